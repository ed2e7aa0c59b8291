// The Durable Object: sockets, storage and time for one shard's core. It translates and keeps no rules of its own.

import { DurableObject } from "cloudflare:workers";
import { accessFor } from "../auth/acl.ts";
import { PacketDecoder } from "../codec/packet-decoder.ts";
import { configOf, type Config } from "../config.ts";
import { Broker } from "../core/broker.ts";
import type { AuthVerdict } from "../core/connect.ts";
import type { ClientId } from "../core/brand.ts";
import type { Connection } from "../core/connection.ts";
import type { Call } from "../core/link-window.ts";
import { shardOfClient, type Layout } from "../core/placement.ts";
import { PendingRows } from "../core/pending-rows.ts";
import { loadSessions, recover, restoreConnection } from "../core/restore.ts";
import { reasonCode } from "../core/reason-code.ts";
import { malformed, refused, type Violation } from "../core/violation.ts";
import type { Connect } from "../core/packet.ts";
import { isShared } from "../core/shared-groups.ts";
import { sysReadings, type SysReadings } from "../core/sys-topics.ts";
import { writeLog } from "../log.ts";
import { openStores, type OpenStores } from "../storage/stores.ts";
import { Alarm } from "./alarm.ts";
import { bodyOf, readHead, unpackSaved } from "./attachment.ts";
import { Flush } from "./flush.ts";
import { IdleSave, overflowKeyOf } from "./idle-save.ts";
import { leaseSec, relayHeader } from "./relay.ts";
import { layoutHeader } from "./layout.ts";
import { countSockets } from "./process-sockets.ts";
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
import { ShardEffects, type EffectTargets } from "./shard-effects.ts";
import { ShardSocket } from "./shard-socket.ts";

/** A connection id is a time with room for so many in one millisecond: unique without a row. */
const idsPerMs = 1024;
/** How long a replay waits for a socket that is behind. */
const drainCheckMs = 50;

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
  readonly #sockets = new Map<WebSocket, ShardSocket>();
  readonly #socketsByConnection = new Map<number, ShardSocket>();
  /** Their connections have ended: what they still say must not bring them back from their attachments. */
  readonly #gone = new WeakSet<WebSocket>();
  readonly #pumps = new Set<Connection>();
  #lastConnectionId = 0;
  /** Every socket and every stored session is in memory. A wake for a PINGREQ or an acknowledgement needs one only. */
  #isWhole = false;
  readonly #awaitingConnect = new Set<Connection>();
  #connectTimer: ReturnType<typeof setTimeout> | undefined;
  #linkTimer: ReturnType<typeof setTimeout> | undefined;
  #linkDueAtMs = 0;

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
        protocolVersions: [3, 4],
        sharedSubscriptions: true,
        incarnation: crypto.getRandomValues(new Uint32Array(1))[0] ?? 0,
        newClientId: () => this.#newClientId(),
        isOwnClientId: (clientId) => this.#isOwn(clientId),
        rowsWritten: () => this.#stores.sql.rowsWritten,
        accessFor: (username, clientId) =>
          accessFor(this.#config.acl, { clientId, ...(username !== undefined && { username }) }),
      },
      this.#storedLayout(),
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
        this.#watchLinks();
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
    this.#targets = {
      counters: this.#broker.counters,
      flush: this.#flush,
      idleSave: this.#idleSave,
      alarm: this.#alarm,
      socketOf: (connection: Connection) => this.#socketsByConnection.get(connection.id),
      authenticate: (connection: Connection, connect: Connect) => this.#authenticate(connection, connect),
      pumpSoon: (connection: Connection) => this.#pumpSoon(connection),
      callShard: (shard: number, call: Call) => this.#callShard(shard, call),
      askOtherShards: (done: (readings: readonly SysReadings[]) => void) => this.#askOtherShards(done),
      now: () => Date.now(),
    };
  }

  /** An upgrade that the Worker has checked; `Sec-WebSocket-Protocol` names the one sub-protocol to echo. */
  override async fetch(request: Request): Promise<Response> {
    this.#adopt(JSON.parse(request.headers.get(layoutHeader) ?? "null") ?? noLayout);
    this.#becomeWhole();
    if (this.#sockets.size >= this.#config.limits.maximumSockets) {
      return new Response("too many sockets", { status: 503, headers: { "retry-after": "5" } });
    }
    const { 0: client, 1: server } = new WebSocketPair();
    this.ctx.acceptWebSocket(server);
    this.#open(server, request.headers.has(relayHeader));
    const protocol = request.headers.get("sec-websocket-protocol");
    return new Response(null, {
      status: 101,
      webSocket: client,
      headers: protocol === null ? {} : { "sec-websocket-protocol": protocol },
    });
  }

  override async webSocketMessage(ws: WebSocket, message: ArrayBuffer | string): Promise<void> {
    this.#guard(() => {
      const socket = this.#sockets.get(ws) ?? this.#restore(ws);
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

  async readRetained(topicName: string): Promise<RetainedValue | null> {
    return readRetained(this.#broker, topicName, Date.now());
  }

  async metrics(): Promise<ShardMetrics> {
    this.#becomeWhole();
    return metricsOf(this.#broker, this.#sockets.size, this.#stores.sql, this.#flush.commits);
  }

  async ready(): Promise<void> {
    this.#stores.meta.getNumber("schema");
  }

  #storedLayout(): Layout {
    const stored = this.#stores.meta.getString(layoutKey);
    return stored === undefined ? noLayout : (JSON.parse(stored) as Layout);
  }

  #isOwn(clientId: string): boolean {
    const { layout, options } = this.#broker;
    return layout.shards === 1 || shardOfClient(clientId as ClientId, layout) === options.shardIndex;
  }

  /** Drawn until one hashes to this shard [MQTT-3.1.3-6 v3.1.1]. */
  #newClientId(): string {
    for (;;) {
      const clientId = `auto-${crypto.randomUUID()}`;
      if (this.#isOwn(clientId)) return clientId;
    }
  }

  /** Runs the idle save and its flush now instead of within two seconds: before an eviction in tests. */
  async saveNow(): Promise<void> {
    this.#flush.now();
    this.#idleSave.now();
    await new Promise<void>((resolve) => this.#flush.afterwards(resolve));
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

  #open(ws: WebSocket, isRelayed: boolean): ShardSocket {
    const nowMs = Date.now();
    this.#lastConnectionId = Math.max(this.#lastConnectionId + 1, nowMs * idsPerMs);
    const connection = this.#broker.onOpen(this.#lastConnectionId, nowMs, isRelayed ? leaseSec : undefined);
    this.#awaitingConnect.add(connection);
    this.#connectTimer ??= setTimeout(
      () => this.#guard(() => this.#onConnectTimer()),
      this.#config.limits.connectTimeoutMs,
    );
    return this.#track(ws, connection, new PacketDecoder(this.#config.limits));
  }

  #track(ws: WebSocket, connection: Connection, decoder: PacketDecoder): ShardSocket {
    const socket = new ShardSocket(ws, connection, decoder, this.#broker.counters, this.#config.limits);
    this.#sockets.set(ws, socket);
    countSockets(this.ctx.id.toString(), this.#sockets.size);
    this.#socketsByConnection.set(connection.id, socket);
    return socket;
  }

  #onConnectTimer(): void {
    this.#connectTimer = undefined;
    const waiting = this.#broker.onConnectTimeout(Date.now());
    if (waiting > 0) {
      this.#connectTimer = setTimeout(
        () => this.#guard(() => this.#onConnectTimer()),
        this.#config.limits.connectTimeoutMs,
      );
    }
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
      if (packet.kind === "connect") this.#heard(connection);
      if (!this.#isWhole && !this.#isOwnBusiness(socket, packet.kind)) this.#becomeWhole();
      this.#broker.onPacket(connection, packet, nowMs);
      this.#flush.relieve();
    }
    // Also once a packet is complete: a saved beginning of it must not be read again.
    if (hadPartial || decoder.hasPartial) this.#idleSave.onChanged(socket);
    this.#idleSave.onSeen(socket);
  }

  /** Packets that concern one connection only; a slot that an acknowledgement frees concerns all of a shared group. */
  #isOwnBusiness({ connection: { state } }: ShardSocket, kind: string): boolean {
    if (!isOwnBusiness.has(kind)) return false;
    if (kind === "pingreq" || kind === "pubrel" || state.kind !== "connected") return true;
    const { session } = state;
    if (session.kind === "ephemeral") return this.#broker.groups.isEmpty;
    // Where a wake touches one socket only, the subscriptions of its session are still in storage.
    return !this.#stores.sessions.subscriptions(session.number).some(({ filter }) => isShared(filter));
  }

  /** A connection that ends may leave a will, which needs the subscriptions of others. */
  #refuse(socket: ShardSocket, violation: Violation): void {
    this.#heard(socket.connection);
    this.#becomeWhole();
    this.#broker.onViolation(socket.connection, violation, Date.now());
  }

  /** It owes no CONNECT any more. While the timer runs the object cannot sleep. */
  #heard(connection: Connection): void {
    if (!this.#awaitingConnect.delete(connection) || this.#awaitingConnect.size > 0) return;
    clearTimeout(this.#connectTimer);
    this.#connectTimer = undefined;
  }

  #closeSlow(socket: ShardSocket): void {
    this.#becomeWhole();
    const violation = refused(reasonCode.quotaExceeded, "the client reads too slowly");
    this.#refuse(socket, { ...violation, limit: "slowConsumerHardBytes" });
  }

  /** A socket that slept. One that was dirty is closed as after a crash: what it missed is not known. */
  #restore(ws: WebSocket): ShardSocket | undefined {
    const attachment = ws.deserializeAttachment() as Uint8Array<ArrayBuffer> | null;
    const head = attachment === null ? undefined : readHead(attachment);
    if (attachment === null || head === undefined || head.isDirty) return this.#discard(ws);
    const overflowKey = head.hasOverflow ? overflowKeyOf(bodyOf(attachment)) : undefined;
    const body = overflowKey === undefined ? bodyOf(attachment) : this.#overflow.get(overflowKey);
    if (body === undefined) return this.#discard(ws);
    const { snapshot, partial } = unpackSaved(body);
    if (!this.#mayStay(snapshot.username)) return this.#discard(ws);
    const connection = this.#broker.onOpen(snapshot.id, Date.now());
    connection.lastSeenMs = head.lastSeenMs;
    connection.lastSeenSlackMs = (snapshot.leaseSec ?? snapshot.keepAliveSec) * lastSeenSlackMsPerSec;
    const { protocolVersion } = snapshot;
    const decoder = new PacketDecoder({ ...this.#config.limits, protocolVersion });
    const socket = this.#track(ws, connection, decoder);
    socket.attachment = attachment;
    socket.hasOverflow = head.hasOverflow;
    if (!restoreConnection(this.#broker, this.#stores, connection, snapshot)) {
      this.#broker.onSocketLost(connection, Date.now());
      this.#forget(socket);
      return this.#discard(ws);
    }
    if (partial.length > 0) decoder.push(partial);
    return socket;
  }

  /** The configuration may have changed while the socket slept: its user must still exist and be let in here. */
  #mayStay(username: string | undefined): boolean {
    if (this.#config.open) return true;
    return this.#config.users.some(({ name, namespaces }) => name === username && namespaces.has(this.#namespace));
  }

  #discard(ws: WebSocket): undefined {
    try {
      ws.close(goingAway);
    } catch {
      // gone already
    }
    return undefined;
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
      if (!this.#sockets.has(ws) && ws.readyState === WebSocket.OPEN) this.#restore(ws);
    }
    this.#broker.nowMs = Date.now();
    loadSessions(this.#broker, this.#stores);
    this.#broker.links.resume();
    recover(this.#broker, this.#stores, Date.now());
    countSockets(this.ctx.id.toString(), this.#sockets.size);
    // Snapshots of sockets that a crash has taken.
    for (const id of this.#stores.overflow.keys()) if (!this.#broker.connections.has(id)) this.#overflow.delete(id);
  }

  #onGone(ws: WebSocket): void {
    if (this.#gone.has(ws)) return; // an error and a close of one socket
    this.#gone.add(ws);
    const socket = this.#sockets.get(ws) ?? this.#restore(ws);
    // A will and the end of a session need the subscriptions of others.
    this.#becomeWhole();
    if (socket === undefined) return;
    this.#heard(socket.connection);
    this.#broker.onSocketLost(socket.connection, Date.now());
    this.#forget(socket);
  }

  #forget(socket: ShardSocket): void {
    this.#sockets.delete(socket.ws);
    countSockets(this.ctx.id.toString(), this.#sockets.size);
    this.#socketsByConnection.delete(socket.connection.id);
    this.#idleSave.forget(socket);
  }

  #authenticate(connection: Connection, connect: Connect): void {
    if (this.#config.open) {
      this.#broker.onAuthVerdict(connection, { kind: "allow" }, Date.now());
      return;
    }
    void this.#ask(connect).then((verdict) =>
      this.#guard(() => {
        this.#becomeWhole();
        this.#broker.onAuthVerdict(connection, verdict, Date.now());
      }),
    );
  }

  async #ask(connect: Connect): Promise<AuthVerdict> {
    try {
      return await this.ctx.exports.AuthenticatorEntrypoint.authenticate({
        namespace: this.#namespace,
        clientId: connect.clientId,
        protocolVersion: connect.protocolVersion,
        ...(connect.username !== undefined && { username: connect.username }),
        ...(connect.password !== undefined && { password: connect.password }),
      });
    } catch {
      const detail = "the authenticator cannot be reached";
      return { kind: "refuse", reasonCode: reasonCode.serverUnavailable, detail } as const;
    }
  }

  #pumpSoon(connection: Connection): void {
    if (this.#pumps.size === 0) {
      const isBehind = this.#socketsByConnection.get(connection.id)?.isBehind ?? false;
      setTimeout(() => this.#guard(() => this.#pump()), isBehind ? drainCheckMs : 0);
    }
    this.#pumps.add(connection);
  }

  #pump(): void {
    const connections = [...this.#pumps];
    this.#pumps.clear();
    for (const connection of connections) this.#broker.onPump(connection, Date.now());
  }

  #saveProgress(socket: ShardSocket): void {
    const { state } = socket.connection;
    if (state.kind === "connected") this.#broker.saveProgress(state.session);
  }

  #write(): boolean {
    const { sql } = this.#stores;
    const before = sql.rowsWritten;
    sql.transaction(() => {
      this.#broker.flush(Date.now());
      this.#overflow.flush();
    });
    return sql.rowsWritten > before;
  }

  /** Batches of links that wait for a time: a repeat, a budget that passes. */
  #watchLinks(): void {
    const nowMs = Date.now();
    const dueAtMs = this.#broker.links.nextFlushMs(nowMs);
    if (dueAtMs !== undefined && dueAtMs <= nowMs) {
      this.#flush.wantWrite();
      return;
    }
    // One for later may stay. Where nothing is due it must go: the object cannot sleep while it runs.
    if (dueAtMs !== undefined && this.#linkTimer !== undefined && dueAtMs >= this.#linkDueAtMs) return;
    clearTimeout(this.#linkTimer);
    this.#linkTimer = undefined;
    if (dueAtMs === undefined) return;
    this.#linkDueAtMs = dueAtMs;
    this.#linkTimer = setTimeout(() => this.#onLinkTimer(), dueAtMs - nowMs);
  }

  #onLinkTimer(): void {
    this.#linkTimer = undefined;
    this.#flush.wantWrite();
  }

  #callShard(shard: number, call: Call): void {
    const stub = this.env.BROKER_SHARD.getByName(`${this.#namespace}/${shard}`);
    stub.deliverBatch(call.bytes, this.#broker.layout).then(
      (answer) => this.#guard(() => this.#broker.onLinkAnswer(shard, call.id, answer, Date.now())),
      (fault: unknown) =>
        this.#guard(() => this.#broker.onLinkFailure(shard, call.id, !isOverloaded(fault), Date.now())),
    );
  }

  #askOtherShards(done: (readings: readonly SysReadings[]) => void): void {
    const { layout, options } = this.#broker;
    if (layout.shards === 1) {
      done([]);
      return;
    }
    const others = Array.from({ length: layout.shards }, (_, shard) => shard).filter((i) => i !== options.shardIndex);
    const asked = others.map((shard) => this.env.BROKER_SHARD.getByName(`${this.#namespace}/${shard}`).sysReadings());
    void Promise.allSettled(asked).then((answers) =>
      this.#guard(() => {
        this.#broker.nowMs = Date.now();
        done(answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value] : [])));
      }),
    );
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

  /** The registry's record, as the caller knows it: the highest is committed, a lower one is refused. */
  #adopt(layout: Layout): void {
    const present = this.#broker.layout;
    if (layout.number < present.number) throw new Error(`layout ${present.number} is in force, not ${layout.number}`);
    if (layout.number === present.number) return;
    this.#broker.layout = layout;
    this.#stores.meta.putString(layoutKey, JSON.stringify(layout));
  }
}

const layoutKey = "layout";
/** Before the first call: nobody has said how many shards there are. */
const noLayout: Layout = { number: 0, shards: 1, subtreeDepth: 1, depthByPrefix: [], hashSeed: 0 };

const isOverloaded = (fault: unknown): boolean => (fault as { overloaded?: boolean } | null)?.overloaded === true;

const normalClosure = 1000;
const goingAway = 1001;
const noStatus = 1005;
const abnormalClosure = 1006;
/** A tenth of the keep-alive, in ms per second of it: how old the saved last-seen time may be. */
const lastSeenSlackMsPerSec = 100;

/** Packets that concern one connection only: a wake for one of them touches one socket. */
const isOwnBusiness: ReadonlySet<string> = new Set(["pingreq", "puback", "pubrec", "pubrel", "pubcomp"]);
