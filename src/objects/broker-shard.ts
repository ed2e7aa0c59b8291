// The Durable Object: sockets, storage and time for one shard's core. It translates and keeps no rules of its own.

import { DurableObject } from "cloudflare:workers";
import { accessFor } from "../auth/acl.ts";
import { configOf, type Config } from "../config.ts";
import { Broker } from "../core/broker.ts";
import type { Connection } from "../core/connection.ts";
import { incarnationAt } from "../core/incarnation.ts";
import type { Call } from "../core/link-window.ts";
import type { Layout } from "../core/placement.ts";
import { PendingRows } from "../core/pending-rows.ts";
import { loadSessions, loadSubscriptions, recover } from "../core/restore.ts";
import { sysReadings, type SysReadings } from "../core/sys-topics.ts";
import { writeLog } from "../log.ts";
import { openStores, type OpenStores } from "../storage/stores.ts";
import { acceptSocket, answerClose } from "./accept-socket.ts";
import { Alarm } from "./alarm.ts";
import { watchCommits } from "./commit-watch.ts";
import { Flush } from "./flush.ts";
import { IdleSave } from "./idle-save.ts";
import { relayHeader } from "./relay.ts";
import { drawClientId, isOwnClientId, layoutHeader, storedLayout } from "./layout.ts";
import type { LayoutStep, LayoutStepAnswer, MovedPart, MovedTo } from "./layout-steps.ts";
import { countSockets } from "./process-sockets.ts";
import { Pumps } from "./pumps.ts";
import { metricsOf } from "./shard-metrics.ts";
import { ShardInput } from "./shard-input.ts";
import { ShardLayout } from "./shard-layout.ts";
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
import { transfer, type TransferAnswer, type TransferRequest } from "./shard-transfer.ts";

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
  readonly #input: ShardInput;
  readonly #links: ShardLinks;
  readonly #layouts: ShardLayout;
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
        queueOverflow: this.#config.queueOverflow,
        incarnation: incarnationAt(Date.now(), crypto.getRandomValues(new Uint32Array(1))[0] ?? 0),
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
      isDirty: () => this.#isDirty,
      write: () => this.#write(),
      touch: () => void this.#stores.meta.getNumber("schema"),
      durable: watchCommits(ctx, this.#broker.counters),
      onFlushed: () => {
        this.#broker.onFlushed();
        this.#links.watch();
      },
      onSent: (sockets) => this.#sockets.slow.onSent(sockets),
      abort: (fault) => this.#abort(fault),
    });
    this.#overflow = new PendingRows(this.#stores.overflow);
    this.#idleSave = new IdleSave({
      overflow: this.#overflow,
      saveProgress: (socket) => this.#saveProgress(socket),
      abort: (fault) => this.#abort(fault),
      compact: () => this.#isWhole && this.#broker.log.compact(),
      flush: () => {
        if (this.#isDirty) this.#flush.wantWrite();
        this.#flush.now();
      },
    });
    const guard = (run: () => void): void => this.#guard(run);
    const stub = (shard: number) => env.BROKER_SHARD.getByName(`${this.#namespace}/${shard}`);
    this.#sockets = new ShardSockets({
      name: ctx.id.toString(),
      namespace: this.#namespace,
      config: this.#config,
      broker: this.#broker,
      stores: this.#stores,
      overflow: this.#overflow,
      idleSave: this.#idleSave,
      guard,
      refuse: (socket, violation) => this.#input.refuse(socket, violation),
      abort: (fault) => this.#abort(fault),
    });
    const becomeWhole = (): void => this.#becomeWhole();
    this.#input = new ShardInput({
      broker: this.#broker,
      stores: this.#stores,
      flush: this.#flush,
      idleSave: this.#idleSave,
      sockets: this.#sockets,
      becomeWhole,
      guard,
      closeGate: (until) => ctx.blockConcurrencyWhile(until),
    });
    this.#links = new ShardLinks({
      broker: this.#broker,
      flush: this.#flush,
      guard,
      stub,
    });
    this.#layouts = new ShardLayout({
      broker: this.#broker,
      stores: this.#stores,
      flush: this.#flush,
      guard,
      becomeWhole,
      takeMoved: (shard, part) => stub(shard).takeMoved(part),
      startAgain: () => this.#startAgain(),
      sleep: () => ctx.storage.deleteAlarm(),
    });
    this.#targets = {
      counters: this.#broker.counters,
      flush: this.#flush,
      maximumUnsentBytes: this.#config.limits.maximumUnsentBytes,
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
        hasRoom: (connection) => effects.hasRoom(connection),
        isTold: (connection) => this.#sockets.of(connection)?.isRelayBehind === true,
        guard,
        pump: (connection) => this.#broker.onPump(connection, Date.now()),
      }),
      guard,
      end: (connection, violation) => this.#sockets.end(connection, violation),
      callShard: (shard: number, call: Call) => this.#links.call(shard, call),
      askOtherShards: (done: (readings: readonly SysReadings[]) => void) => this.#links.askOthers(done),
      now: () => Date.now(),
    };
  }

  /** An upgrade that the Worker has checked; `Sec-WebSocket-Protocol` names the one sub-protocol to echo. */
  override async fetch(request: Request): Promise<Response> {
    this.#broker.counters.requestsReceived += 1;
    const refusal = this.#layouts.refuseUpgrade(JSON.parse(request.headers.get(layoutHeader) ?? "null"));
    if (refusal !== undefined) return refusal;
    this.#becomeWhole();
    if (this.#sockets.count >= this.#config.limits.maximumSockets) {
      return new Response("too many sockets", { status: 503, headers: { "retry-after": "5" } });
    }
    const { 0: client, 1: server } = new WebSocketPair();
    acceptSocket(this.#config.sockets, this.ctx, server, this);
    this.#sockets.open(server, request.headers.has(relayHeader));
    const protocol = request.headers.get("sec-websocket-protocol");
    return new Response(null, {
      status: 101,
      webSocket: client,
      headers: protocol === null ? {} : { "sec-websocket-protocol": protocol },
    });
  }

  override webSocketMessage(ws: WebSocket, message: ArrayBuffer | string): void {
    this.#guard(() => {
      this.#broker.counters.onWebSocketMessage(typeof message === "string" ? 0 : message.byteLength);
      const socket = this.#sockets.find(ws);
      if (socket === undefined) {
        this.#becomeWhole(); // what that socket leaves behind is found there
        return;
      }
      this.#input.onMessage(socket, message);
    });
  }

  override webSocketClose(ws: WebSocket, code: number): void {
    this.#guard(() => this.#onGone(ws));
    answerClose(ws, code);
  }

  override webSocketError(ws: WebSocket): void {
    this.#guard(() => this.#onGone(ws));
  }

  override async alarm(): Promise<void> {
    this.#alarm.onAlarm();
    this.#guard(() => {
      this.#becomeWhole();
      if (this.#layouts.isServing) this.#broker.onTick(Date.now());
    });
  }

  async publish(requests: readonly PublishRequest[], layout: Layout): Promise<readonly PublishOutcome[]> {
    return this.#ask(layout, (answer) => answer(publishAll(this.#broker, requests, Date.now())));
  }

  async publishOnce(requests: readonly PublishRequest[], claim: KeyClaim, layout: Layout): Promise<OnceAnswer> {
    return this.#ask(layout, (answer) => publishOnce(this.#broker, requests, claim, Date.now(), answer));
  }

  /** A backup's question. */
  async transfer(request: TransferRequest, layout: Layout): Promise<TransferAnswer> {
    const port = { broker: this.#broker, stores: this.#stores, committed: () => this.#committed() };
    return this.#ask(layout, (answer) => answer(transfer(port, request, Date.now())));
  }

  /** An input that answers. The answer waits for the commit of what it did. */
  async #ask<T>(layout: Layout, run: (answer: (value: T | PromiseLike<T>) => void) => void): Promise<T> {
    this.#admit(layout);
    this.#becomeWhole();
    const answer = await new Promise<T>((resolve) => this.#guard(() => run(resolve)));
    await this.#committed();
    return answer;
  }

  async claim(claim: KeyClaim, layout: Layout): Promise<ClaimAnswer> {
    this.#admit(layout);
    return new Promise((resolve) =>
      this.#guard(() => {
        const verdict = this.#broker.onClaim(claim, Date.now());
        this.#flush.afterwards(() => resolve(claimAnswer(verdict)));
      }),
    );
  }

  async finish(claim: KeyClaim, outcomes: readonly PublishOutcome[] | null, layout: Layout): Promise<void> {
    this.#admitShard(layout);
    this.#guard(() => this.#broker.onFinish(claim, outcomes ?? undefined, Date.now()));
    await this.#committed();
  }

  /** Resolves after the flush of what is pending now; the output gate holds what is answered then. */
  #committed(): Promise<void> {
    return new Promise((resolve) => this.#flush.afterwards(resolve));
  }

  async disconnectClient(clientId: string, layout: Layout): Promise<boolean> {
    return this.#ask(layout, (answer) => answer(this.#broker.onDisconnectRequest(clientId, Date.now())));
  }

  /** The process is about to end. Tells every client that can be told; the rest is as after a crash. */
  async shutDown(): Promise<void> {
    this.#becomeWhole();
    this.#guard(() => this.#broker.onShutdown(Date.now()));
    this.#flush.now();
    this.#idleSave.now();
    await this.#committed();
  }

  async readRetained(topicName: string, layout?: Layout): Promise<RetainedValue | null> {
    if (layout !== undefined) this.#layouts.admit(layout);
    return readRetained(this.#broker, topicName, Date.now());
  }

  async metrics(layout?: Layout): Promise<ShardMetrics> {
    if (layout !== undefined) this.#layouts.admit(layout);
    this.#becomeWhole();
    return metricsOf(this.#broker, this.#sockets.count, this.#stores.sql, this.#flush, this.#alarm, this.#links);
  }

  async ready(layout?: Layout): Promise<void> {
    if (layout !== undefined) this.#layouts.admit(layout);
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

  /** In order: what is written is durable first. The call that asked for it fails. */
  async #startAgain(): Promise<never> {
    await this.ctx.storage.sync();
    countSockets(this.ctx.id.toString(), 0);
    this.ctx.abort("the shard starts again from storage");
    throw new Error("the object ended"); // not reached
  }

  get #isDirty(): boolean {
    return this.#broker.isDirty || this.#overflow.isDirty || this.#layouts.isDirty;
  }

  #abort(fault: unknown): void {
    const reason = fault instanceof Error ? (fault.stack ?? fault.message) : String(fault);
    writeLog("error", { event: "broker-fault", reason });
    countSockets(this.ctx.id.toString(), 0);
    this.ctx.abort("the shard starts again from storage");
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
    loadSessions(this.#broker, this.#stores);
    for (const ws of this.ctx.getWebSockets()) {
      if (!this.#sockets.has(ws) && ws.readyState === WebSocket.OPEN) this.#sockets.restore(ws);
    }
    this.#broker.nowMs = Date.now();
    loadSubscriptions(this.#broker, this.#stores);
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
    this.#input.onLost(socket);
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
      this.#layouts.flush();
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
    this.#broker.counters.requestsReceived += 1;
    this.#becomeWhole();
    return sysReadings(this.#broker);
  }

  /** A batch of a link from another shard; the answer is packed too (`core/link-answer.ts`). */
  async deliverBatch(bytes: Uint8Array, layout: Layout): Promise<Uint8Array> {
    this.#admitShard(layout);
    this.#becomeWhole();
    return new Promise((resolve) => this.#guard(() => this.#broker.onLinkBatch(bytes, resolve, Date.now())));
  }

  #admit(layout: Layout): void {
    this.#broker.counters.requestsReceived += 1;
    this.#layouts.admit(layout);
  }

  #admitShard(layout: Layout): void {
    this.#broker.counters.requestsReceived += 1;
    this.#layouts.admitShard(layout);
  }

  async changeLayout(step: LayoutStep): Promise<LayoutStepAnswer> {
    return this.#layouts.step(step);
  }

  async takeMoved(part: MovedPart): Promise<MovedTo> {
    return this.#layouts.takeMoved(part);
  }
}
