// The Durable Object: sockets, storage and time for one shard's core. It translates and keeps no rules of its own.

import { DurableObject } from "cloudflare:workers";
import { accessFor } from "../auth/acl.ts";
import { configOf, type Config } from "../config.ts";
import { Broker } from "../core/broker.ts";
import type { Connection } from "../core/connection.ts";
import type { Call } from "../core/link-window.ts";
import type { Layout } from "../core/placement.ts";
import { PendingRows } from "../core/pending-rows.ts";
import type { ClientPacket } from "../core/packet.ts";
import { isWrongAnswer } from "../core/publish.ts";
import { loadSessions, recover } from "../core/restore.ts";
import { reasonCode } from "../core/reason-code.ts";
import { malformed, refused, type Violation } from "../core/violation.ts";
import { isShared } from "../core/shared-groups.ts";
import { sysReadings, type SysReadings } from "../core/sys-topics.ts";
import { writeLog } from "../log.ts";
import { openStores, type OpenStores } from "../storage/stores.ts";
import { Alarm } from "./alarm.ts";
import { Flush } from "./flush.ts";
import { IdleSave } from "./idle-save.ts";
import { relayHeader } from "./relay.ts";
import { adoptLayout, drawClientId, isOwnClientId, layoutHeader, noLayout, storedLayout } from "./layout.ts";
import { countSockets } from "./process-sockets.ts";
import { Pumps } from "./pumps.ts";
import { metricsOf } from "./shard-metrics.ts";
import { claimAnswer, publishAll, publishOnce, readRetained } from "./shard-publish.ts";
import type {
  ClaimAnswer,
  KeyClaim,
  OnceAnswer,
  PublishOutcome,
  PublishRequest,
  RetainedValue,
  ShardMetrics,
} from "./shard-api.ts";
import { ShardAuthentication } from "./shard-authentication.ts";
import { ShardEffects, type EffectTargets } from "./shard-effects.ts";
import { ShardLinks } from "./shard-links.ts";
import type { ShardSocket } from "./shard-socket.ts";
import { ShardSockets } from "./shard-sockets.ts";

/** A shard that never idles tidies its log once in so many flushes. */
const flushesPerTidying = 64;

export class BrokerShard extends DurableObject<Env> {
  readonly #config: Config;
  readonly #namespace: string;
  readonly #stores: OpenStores;
  readonly #broker: Broker;
  readonly #flush: Flush;
  readonly #idleSave: IdleSave;
  readonly #alarm: Alarm;
  readonly #overflow: PendingRows<number, Uint8Array>;
  readonly #targets: EffectTargets;
  readonly #sockets: ShardSockets;
  readonly #links: ShardLinks;
  /** Their connections have ended: what they still say must not bring them back from their attachments. */
  readonly #gone = new WeakSet<WebSocket>();
  #flushesToTidying = flushesPerTidying;
  /** Every socket and every stored session is in memory. A wake for a PINGREQ or an acknowledgement needs one only. */
  #isWhole = false;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const config = configOf(env as unknown as Record<string, unknown>);
    if (!config.ok) throw new Error(config.error.map((p) => `${p.variable} ${p.problem}`).join("; "));
    this.#config = config.value;
    const [namespace, index] = (ctx.id.name ?? "default/0").split("/");
    this.#namespace = namespace ?? "default";
    this.#stores = openStores(ctx.storage);
    const effects = new ShardEffects(() => this.#targets);
    this.#broker = new Broker(
      {
        limits: this.#config.limits,
        shardIndex: Number(index ?? 0),
        protocolVersions: [3, 4, 5],
        features: this.#config.features,
        incarnation: crypto.getRandomValues(new Uint32Array(1))[0] ?? 0,
        newClientId: () => drawClientId(this.#broker),
        isOwnClientId: (clientId) => isOwnClientId(this.#broker, clientId),
        rowsWritten: () => this.#stores.sql.rowsWritten,
        accessFor: (username, clientId) =>
          accessFor(this.#config.acl, { clientId, ...(username !== undefined && { username }) }),
      },
      storedLayout(this.#stores.meta),
      this.#stores,
      effects,
    );
    this.#alarm = new Alarm(ctx.storage, () => Date.now());
    this.#flush = new Flush({
      isDirty: () => this.#broker.isDirty || this.#overflow.isDirty,
      write: () => this.#write(),
      touch: () => void this.#stores.meta.getNumber("schema"),
      durable: () => ctx.storage.sync(),
      onFlushed: () => {
        this.#broker.onFlushed();
        this.#links.watch();
      },
      onHopeless: (socket) => this.#closeSlow(socket),
      abort: (fault) => this.#abort(fault),
    });
    this.#overflow = new PendingRows(this.#stores.overflow);
    this.#idleSave = new IdleSave({
      overflow: this.#overflow,
      saveProgress: (socket) => this.#saveProgress(socket),
      abort: (fault) => this.#abort(fault),
      compact: () => this.#isWhole && this.#broker.log.compact(),
      flush: () => {
        if (this.#broker.isDirty || this.#overflow.isDirty) this.#flush.wantWrite();
        this.#flush.now();
      },
    });
    const guard = (run: () => void): void => this.#guard(run);
    this.#sockets = new ShardSockets({
      name: ctx.id.toString(),
      namespace: this.#namespace,
      config: this.#config,
      broker: this.#broker,
      stores: this.#stores,
      overflow: this.#overflow,
      idleSave: this.#idleSave,
      guard,
    });
    this.#links = new ShardLinks({
      broker: this.#broker,
      flush: this.#flush,
      guard,
      stub: (shard) => env.BROKER_SHARD.getByName(`${this.#namespace}/${shard}`),
    });
    this.#targets = {
      counters: this.#broker.counters,
      flush: this.#flush,
      idleSave: this.#idleSave,
      alarm: this.#alarm,
      socketOf: (connection: Connection) => this.#sockets.of(connection),
      authentication: new ShardAuthentication({
        broker: this.#broker,
        namespace: this.#namespace,
        open: this.#config.open,
        exports: ctx.exports,
        input: (run) =>
          guard(() => {
            this.#becomeWhole();
            run();
          }),
      }),
      awaitAuth: (connection: Connection) => this.#sockets.awaitPacket(connection),
      pumps: new Pumps({
        isBehind: (connection) => this.#sockets.of(connection)?.isBehind ?? false,
        guard,
        pump: (connection) => this.#broker.onPump(connection, Date.now()),
      }),
      callShard: (shard: number, call: Call) => this.#links.call(shard, call),
      askOtherShards: (done: (readings: readonly SysReadings[]) => void) => this.#links.askOthers(done),
      now: () => Date.now(),
    };
  }

  /** An upgrade that the Worker has checked; `Sec-WebSocket-Protocol` names the one sub-protocol to echo. */
  override async fetch(request: Request): Promise<Response> {
    this.#adopt(JSON.parse(request.headers.get(layoutHeader) ?? "null") ?? noLayout);
    this.#becomeWhole();
    if (this.#sockets.count >= this.#config.limits.maximumSockets) {
      return new Response("too many sockets", { status: 503, headers: { "retry-after": "5" } });
    }
    const { 0: client, 1: server } = new WebSocketPair();
    this.ctx.acceptWebSocket(server);
    this.#sockets.open(server, request.headers.has(relayHeader));
    const protocol = request.headers.get("sec-websocket-protocol");
    return new Response(null, {
      status: 101,
      webSocket: client,
      headers: protocol === null ? {} : { "sec-websocket-protocol": protocol },
    });
  }

  override async webSocketMessage(ws: WebSocket, message: ArrayBuffer | string): Promise<void> {
    this.#guard(() => {
      const socket = this.#sockets.find(ws);
      if (socket === undefined) {
        this.#becomeWhole(); // what that socket leaves behind is found there
        return;
      }
      if (typeof message === "string" && socket.onRelaySignal(message, Date.now())) {
        this.#idleSave.onSeen(socket);
        return;
      }
      if (typeof message === "string") {
        this.#refuse(socket, malformed("a text frame", "MQTT-6.0.0-1"));
        return;
      }
      this.#broker.counters.bytesReceived += message.byteLength;
      this.#read(socket, new Uint8Array(message));
    });
  }

  override async webSocketClose(ws: WebSocket, code: number): Promise<void> {
    this.#guard(() => this.#onGone(ws));
    try {
      // Always answered, or the runtime keeps the descriptors; 1005 and 1006 cannot be sent.
      if (code !== abnormalClosure) ws.close(code === noStatus ? normalClosure : code);
    } catch {
      // codes that may not be sent, and sockets that are closed
    }
  }

  override async webSocketError(ws: WebSocket): Promise<void> {
    this.#guard(() => this.#onGone(ws));
  }

  override async alarm(): Promise<void> {
    this.#alarm.onAlarm();
    this.#guard(() => {
      this.#becomeWhole();
      this.#broker.onTick(Date.now());
    });
  }

  async publish(requests: readonly PublishRequest[], layout: Layout): Promise<readonly PublishOutcome[]> {
    this.#adopt(layout);
    this.#becomeWhole();
    const outcomes = await new Promise<readonly PublishOutcome[]>((resolve) =>
      this.#guard(() => resolve(publishAll(this.#broker, requests, Date.now()))),
    );
    await this.#committed();
    return outcomes;
  }

  async publishOnce(requests: readonly PublishRequest[], claim: KeyClaim, layout: Layout): Promise<OnceAnswer> {
    this.#adopt(layout);
    this.#becomeWhole();
    const answer = await new Promise<OnceAnswer>((resolve) =>
      this.#guard(() => publishOnce(this.#broker, requests, claim, Date.now(), resolve)),
    );
    await this.#committed();
    return answer;
  }

  async claim(claim: KeyClaim, layout: Layout): Promise<ClaimAnswer> {
    this.#adopt(layout);
    return new Promise((resolve) =>
      this.#guard(() => {
        const verdict = this.#broker.onClaim(claim, Date.now());
        this.#flush.afterwards(() => resolve(claimAnswer(verdict)));
      }),
    );
  }

  async finish(claim: KeyClaim, outcomes: readonly PublishOutcome[] | null, layout: Layout): Promise<void> {
    this.#adopt(layout);
    this.#guard(() => this.#broker.onFinish(claim, outcomes ?? undefined, Date.now()));
    await this.#committed();
  }

  /** Resolves after the flush of what is pending now; the output gate holds what is answered then. */
  #committed(): Promise<void> {
    return new Promise((resolve) => this.#flush.afterwards(resolve));
  }

  async disconnectClient(clientId: string, layout: Layout): Promise<boolean> {
    this.#adopt(layout);
    this.#becomeWhole();
    const isFound = await new Promise<boolean>((resolve) =>
      this.#guard(() => resolve(this.#broker.onDisconnectRequest(clientId, Date.now()))),
    );
    await this.#committed();
    return isFound;
  }

  /** The process is about to end. Tells every client that can be told; the rest is as after a crash. */
  async shutDown(): Promise<void> {
    this.#becomeWhole();
    this.#guard(() => this.#broker.onShutdown(Date.now()));
    this.#flush.now();
    this.#idleSave.now();
    await this.#committed();
  }

  async readRetained(topicName: string): Promise<RetainedValue | null> {
    return readRetained(this.#broker, topicName, Date.now());
  }

  async metrics(): Promise<ShardMetrics> {
    this.#becomeWhole();
    return metricsOf(this.#broker, this.#sockets.count, this.#stores.sql, this.#flush.commits);
  }

  async ready(): Promise<void> {
    this.#stores.meta.getNumber("schema");
  }

  /** Idle save and flush at once: before an eviction in tests. False while another shard owes an answer. */
  async saveNow(): Promise<boolean> {
    this.#flush.now();
    this.#idleSave.now();
    await this.#committed();
    return this.#links.isIdle;
  }

  /** What throws here is a bug or a broken platform: memory is dropped and the object starts again from storage. */
  #guard(run: () => void): void {
    try {
      run();
      this.#flush.relieve();
    } catch (fault) {
      this.#abort(fault);
    }
  }

  #abort(fault: unknown): void {
    const reason = fault instanceof Error ? (fault.stack ?? fault.message) : String(fault);
    writeLog("error", { event: "broker-fault", reason });
    countSockets(this.ctx.id.toString(), 0);
    this.ctx.abort("the shard starts again from storage");
  }

  #read(socket: ShardSocket, bytes: Uint8Array): void {
    const { decoder, connection } = socket;
    const nowMs = Date.now();
    const hadPartial = decoder.hasPartial;
    decoder.push(bytes);
    for (let packet = decoder.next(); packet !== undefined; packet = decoder.next()) {
      if (connection.state.kind === "closed") return;
      if (packet.kind === "violation") {
        this.#becomeWhole();
        if (decoder.protocolVersion !== undefined) connection.protocolVersion = decoder.protocolVersion;
        this.#refuse(socket, packet);
        return;
      }
      if (packet.kind === "connect" || packet.kind === "auth") this.#sockets.onHeard(connection);
      if (!this.#isWhole && !this.#isOwnBusiness(socket, packet)) this.#becomeWhole();
      this.#broker.onPacket(connection, packet, nowMs);
      this.#flush.relieve();
    }
    // Also once a packet is complete: a saved beginning of it must not be read again.
    if (hadPartial || decoder.hasPartial) this.#idleSave.onChanged(socket);
    this.#idleSave.onSeen(socket);
  }

  /** Packets that concern one connection only; a slot that an acknowledgement frees concerns all of a shared group. */
  #isOwnBusiness({ connection: { state } }: ShardSocket, packet: ClientPacket): boolean {
    if (!isOwnBusiness.has(packet.kind)) return false;
    if (packet.kind === "pingreq" || packet.kind === "pubrel" || state.kind !== "connected") return true;
    const { session } = state;
    if (isWrongAnswer(session.online, packet)) return false; // the connection ends, and its will concerns everybody
    if (session.kind === "ephemeral") return this.#broker.groups.isEmpty;
    // Where a wake touches one socket only, the subscriptions of its session are still in storage.
    return !this.#stores.sessions.subscriptions(session.number).some(({ filter }) => isShared(filter));
  }

  /** A connection that ends may leave a will, which needs the subscriptions of others. */
  #refuse(socket: ShardSocket, violation: Violation): void {
    this.#sockets.onHeard(socket.connection);
    this.#becomeWhole();
    this.#broker.onViolation(socket.connection, violation, Date.now());
  }

  #closeSlow(socket: ShardSocket): void {
    this.#becomeWhole();
    const violation = refused(reasonCode.quotaExceeded, "the client reads too slowly");
    this.#refuse(socket, { ...violation, limit: "slowConsumerHardBytes" });
  }

  /** Every socket and every stored session in memory: once per life of the object, linear. */
  #becomeWhole(): void {
    if (this.#isWhole) return;
    this.#isWhole = true;
    try {
      this.#loadAll();
    } catch (fault) {
      this.#abort(fault); // half of it would look like all of it
      throw fault;
    }
  }

  #loadAll(): void {
    for (const ws of this.ctx.getWebSockets()) {
      if (!this.#sockets.has(ws) && ws.readyState === WebSocket.OPEN) this.#sockets.restore(ws);
    }
    this.#broker.nowMs = Date.now();
    loadSessions(this.#broker, this.#stores);
    this.#broker.links.resume();
    recover(this.#broker, this.#stores, Date.now());
    this.#sockets.tell();
    // Snapshots of sockets that a crash has taken.
    for (const id of this.#stores.overflow.keys()) if (!this.#broker.connections.has(id)) this.#overflow.delete(id);
  }

  #onGone(ws: WebSocket): void {
    if (this.#gone.has(ws)) return; // an error and a close of one socket
    this.#gone.add(ws);
    const socket = this.#sockets.find(ws);
    // A will and the end of a session need the subscriptions of others.
    this.#becomeWhole();
    if (socket === undefined) return;
    this.#broker.onSocketLost(socket.connection, Date.now());
    this.#sockets.forget(socket);
  }

  #saveProgress(socket: ShardSocket): void {
    const { state } = socket.connection;
    if (state.kind === "connected") this.#broker.saveProgress(state.session);
  }

  #write(): boolean {
    const { sql } = this.#stores;
    this.#tidyAtTimes();
    const before = sql.rowsWritten;
    sql.transaction(() => {
      this.#broker.flush(Date.now());
      this.#overflow.flush();
    });
    return sql.rowsWritten > before;
  }

  #tidyAtTimes(): void {
    this.#flushesToTidying -= 1;
    if (this.#flushesToTidying > 0) return;
    this.#flushesToTidying = flushesPerTidying;
    if (this.#isWhole) this.#broker.log.compact();
  }

  /** What this shard counts, for the `$SYS` topics of the namespace. */
  async sysReadings(): Promise<SysReadings> {
    this.#becomeWhole();
    return sysReadings(this.#broker);
  }

  /** A batch of a link from another shard; the answer is packed too (`core/link-answer.ts`). */
  async deliverBatch(bytes: Uint8Array, layout: Layout): Promise<Uint8Array> {
    this.#adopt(layout);
    this.#becomeWhole();
    return new Promise((resolve) => this.#guard(() => this.#broker.onLinkBatch(bytes, resolve, Date.now())));
  }

  #adopt(layout: Layout): void {
    adoptLayout(this.#broker, this.#stores.meta, layout);
  }
}

const normalClosure = 1000;
const noStatus = 1005;
const abnormalClosure = 1006;

/** Packets that concern one connection only: a wake for one of them touches one socket. */
const isOwnBusiness: ReadonlySet<string> = new Set(["pingreq", "puback", "pubrec", "pubrel", "pubcomp"]);
