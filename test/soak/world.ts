// One world: a broker, its clients and faults between any two of their steps, all drawn from one seed. The draw comes again
// with its seed; what a real process makes of it in which microsecond does not.

import { setTimeout as delay } from "node:timers/promises";
import { randomOf } from "../support/random.ts";
import type { BrokerUnderTest, ShardFaults } from "./broker-under-test.ts";
import { Client, type ClientPort } from "./client.ts";
import { callFaults, type CallFault } from "./fault-protocol.ts";
import { matches } from "./matching.ts";
import { Model } from "./model.ts";
import { Patience } from "./patience.ts";
import type { QoS } from "./published.ts";
import { sceneOf, type Scene } from "./scene.ts";
import { settle } from "./settle.ts";
import type { Trace } from "./trace.ts";

/** What may happen, and how often relative to each other. */
export const eventKinds = [
  "publish",
  "subscribe",
  "unsubscribe",
  "change under a backlog",
  "arrive",
  "leave",
  "drop",
  "take over",
  "start clean",
  "expire",
  "hold",
  "pause",
  "settle",
  "kill",
  "abort",
  "evict, sockets kept",
  "evict, sockets closed",
  "call faults",
] as const;
export type EventKind = (typeof eventKinds)[number];
export type Weights = Readonly<Record<EventKind, number>>;

export const usualWeights: Weights = {
  publish: 40,
  subscribe: 9,
  unsubscribe: 3,
  "change under a backlog": 3,
  arrive: 12,
  leave: 4,
  drop: 4,
  "take over": 3,
  "start clean": 1,
  expire: 1,
  hold: 6,
  pause: 8,
  settle: 2,
  kill: 2,
  abort: 2,
  "evict, sockets kept": 2,
  "evict, sockets closed": 2,
  "call faults": 6,
};

export type Counts = Record<EventKind | CallFault, number>;

export const noCounts = (): Counts =>
  Object.fromEntries([...eventKinds, ...callFaults].map((kind) => [kind, 0])) as Counts;

export interface WorldSettings {
  readonly seed: number;
  readonly shards: number;
  readonly broker: BrokerUnderTest;
  readonly weights: Weights;
  /** No more of these are drawn. */
  readonly most: Partial<Readonly<Record<EventKind, number>>>;
  /** What may happen to calls. */
  readonly callFaults: readonly CallFault[];
  /** What is missing then is lost. */
  readonly settlesWithinMs: number;
}

const mostPerBurst = 6;
const backlog = 12;
const mostUnacknowledged = 40;
const longestPauseMs = 25;
const longestLateMs = 250;
const mostCallFaults = 4;
const shortestRedialMs = 5;
const longestRedialMs = 60;
/** Nothing else happens while a session expires: it takes its time. */
const eventsPerExpiry = 400;
const longestExpirySec = 5;
const quietRounds = 50;
const pollMs = 2;
const answerWithinMs = 8_000;
const percent = 100;
/** So often in a hundred. */
const often = { retained: 15, shared: 25, denied: 2, clears: 4, staysAway: 50, direct: 50 };

export class World {
  readonly settings: WorldSettings;
  readonly scene: Scene;
  readonly model: Model;
  readonly trace: Trace;
  readonly clients: readonly Client[];
  readonly counts = noCounts();
  readonly port: ClientPort;
  readonly #random: (below: number) => number;
  #messages = 0;
  /** A planned fault may yet take a shard. */
  #mayEndAfterCall = false;
  /** Of the calls that the last plan makes late. */
  #lateMs = 0;
  /** When the last late call of the plans before has run, by this process's clock. */
  #lateUntilMs = 0;
  #callsCounted: Record<string, number> = {};

  constructor(settings: WorldSettings, trace: Trace) {
    this.settings = settings;
    this.trace = trace;
    this.#random = randomOf(settings.seed);
    this.scene = sceneOf(settings.shards);
    this.model = new Model(this.scene.model);
    // Pauses before redialling depend on what happens when: they are not drawn from the world's own numbers.
    const pauses = randomOf(settings.seed + 1);
    this.port = {
      model: this.model,
      trace: this.trace,
      url: () => settings.broker.url,
      pauseMs: () => shortestRedialMs + pauses(longestRedialMs),
      newName: (publisher) => `${publisher}:${(this.#messages += 1)}`,
    };
    this.clients = this.scene.clients.map((terms) => new Client(terms, this.port));
  }

  get events(): number {
    return eventKinds.reduce((sum, kind) => sum + this.counts[kind], 0);
  }

  get messages(): number {
    return this.#messages;
  }

  get isViolated(): boolean {
    return this.model.violations.length > 0;
  }

  async start(): Promise<void> {
    await this.settings.broker.start();
    for (const client of this.clients) client.connect();
    await this.#until(() => this.clients.every(({ isOnline }) => isOnline));
  }

  /** Events until told to stop, or until the first violation. Settles at the end. */
  async run(isEnough: () => boolean): Promise<void> {
    while (!this.isViolated && !isEnough()) {
      const kind = this.#draw();
      this.counts[kind] += 1;
      this.trace.note(`--- ${kind}`);
      await this.#perform(kind);
      // What has come is read between two events.
      await delay(0);
    }
    if (!this.isViolated) await this.#settle();
  }

  async stop(): Promise<void> {
    for (const client of this.clients) client.end();
    await this.settings.broker.kill();
  }

  #draw(): EventKind {
    const { weights, broker, shards, most } = this.settings;
    const isPossible = (kind: EventKind): boolean => {
      if (this.counts[kind] >= (most[kind] ?? Infinity)) return false;
      if (kind === "expire") return this.counts.expire * eventsPerExpiry <= this.events;
      if (kind === "call faults") return broker.faults !== undefined && shards > 1;
      if (kind === "abort" || kind.startsWith("evict")) return broker.faults !== undefined;
      return true;
    };
    const possible = eventKinds.filter(isPossible);
    let left = this.#random(possible.reduce((sum, kind) => sum + weights[kind], 0));
    for (const kind of possible) {
      left -= weights[kind];
      if (left < 0) return kind;
    }
    return "publish";
  }

  async #perform(kind: EventKind): Promise<void> {
    const client = this.#pick(this.clients);
    switch (kind) {
      case "publish":
        return this.#publish(client);
      case "subscribe":
        return this.#subscribe(client);
      case "unsubscribe":
        return client.unsubscribe(this.#someFilter(client));
      case "change under a backlog":
        return this.#changeUnderBacklog(client);
      case "arrive":
        for (const away of this.clients) if (away.isOffline && this.#random(2) === 0) away.connect();
        return;
      case "leave":
        return client.disconnect();
      case "drop":
        return client.drop(this.#chance(often.staysAway));
      case "take over":
        return client.takeOver(false);
      case "start clean":
        return this.#startClean();
      case "expire":
        return this.#expire();
      case "hold":
        return client.holdAnswers(this.#random(2) === 0);
      case "pause":
        await delay(this.#random(longestPauseMs));
        return;
      case "settle":
        return this.#settle();
      case "kill":
        return this.#kill();
      case "abort":
      case "evict, sockets kept":
      case "evict, sockets closed":
      case "call faults":
        return this.#fail(kind);
    }
  }

  /** A burst of one client. */
  #publish(client: Client): void {
    for (let left = 1 + this.#random(mostPerBurst); left > 0; left -= 1) {
      const [topicName, options] = this.#someTopic();
      const qos = options.retain === true ? ((1 + this.#random(2)) as QoS) : (this.#random(3) as QoS);
      if (client.unacknowledged < mostUnacknowledged) client.publish(topicName, qos, options);
    }
  }

  #someTopic(): readonly [string, { retain?: boolean; clears?: boolean; isDenied?: boolean }] {
    const { topics, retainedTopics, sharedTopics, deniedTopic } = this.scene;
    if (this.#chance(often.denied)) return [deniedTopic, { isDenied: true }];
    if (this.#chance(often.retained)) {
      return [this.#pick(retainedTopics), { retain: true, clears: this.#chance(often.clears) }];
    }
    return [this.#pick(this.#chance(often.shared) ? sharedTopics : topics), {}];
  }

  /** More than its window takes waits for a client when it changes its subscriptions. */
  async #changeUnderBacklog(client: Client): Promise<void> {
    client.holdAnswers(true);
    const filter = this.#someFilter(client);
    const topics = this.scene.topics.filter((topicName) => matches(filter, topicName));
    const publisher = this.#pick(this.clients);
    for (let left = topics.length > 0 ? backlog : 0; left > 0; left -= 1) {
      publisher.publish(this.#pick(topics), (1 + this.#random(2)) as QoS);
    }
    await delay(this.#random(longestPauseMs));
    if (this.#random(2) === 0) client.unsubscribe(filter);
    else this.#subscribe(client);
  }

  #subscribe(client: Client): void {
    if (this.#chance(often.shared)) client.subscribe(this.#pick(this.scene.sharedFilters), 2);
    else client.subscribe(this.#pick(this.scene.filters), this.#random(3) as QoS);
  }

  /** Rather one that the client has. */
  #someFilter(client: Client): string {
    const own = [...(client.session?.current ?? [])].map(({ filter }) => filter);
    return this.#pick(own.length > 0 ? own : this.scene.filters);
  }

  /** Only MQTT 5 has a clean start of a session that is kept. */
  #startClean(): void {
    const candidates = this.clients.filter(({ terms }) => terms.version === 5 && terms.isDurable);
    const client = this.#pick(candidates);
    if (client.isOnline) client.takeOver(true);
    else client.connect(true);
  }

  /** Who stays away for longer than its session lives must find it gone. */
  async #expire(): Promise<void> {
    const mortal = this.clients.filter(
      ({ terms: { isDurable, version, expirySec } }) => isDurable && version === 5 && expirySec <= longestExpirySec,
    );
    for (const client of mortal) client.connect();
    await this.#until(() => mortal.every(({ isOnline }) => isOnline));
    for (const client of mortal) client.disconnect();
    await this.#until(() => mortal.every(({ isOffline }) => isOffline));
    await delay(Math.max(...mortal.map(({ isOverAfterMs }) => isOverAfterMs)));
    for (const client of mortal) client.connect();
    await this.#until(() => mortal.every(({ isOnline }) => isOnline));
  }

  async #kill(): Promise<void> {
    const { broker } = this.settings;
    await this.#countCalls();
    await this.#stirBeforeCrash();
    this.model.beginCrash();
    await broker.kill();
    this.#callsCounted = {};
    this.#mayEndAfterCall = false;
    await broker.start();
    this.#endCrash();
  }

  /** Somebody publishes, and some of it is on its way when it happens. */
  async #stir(): Promise<void> {
    this.#publish(this.#pick(this.clients));
    this.#publish(this.#pick(this.clients));
    if (this.#random(2) === 0) await delay(this.#random(longestPauseMs) / 2);
  }

  /** Half of the time calls have failed just before, and are about to be repeated. */
  async #stirBeforeCrash(): Promise<void> {
    const { broker, shards } = this.settings;
    if (broker.faults === undefined || shards === 1 || this.#random(2) === 0) return this.#stir();
    return this.#planCalls(broker.faults);
  }

  /** Unless another one may come with the next call. */
  #endCrash(): void {
    if (!this.#mayEndAfterCall) this.model.endCrash();
  }

  async #plan(faults: ShardFaults, planned: readonly CallFault[], lateMs = 0): Promise<void> {
    if (planned.includes("ends-after")) this.model.beginCrash();
    await faults.planCalls(planned, lateMs);
    this.#lateUntilMs = Math.max(this.#lateUntilMs, performance.now() + this.#lateMs);
    this.#lateMs = planned.includes("late") ? lateMs : 0;
    if (planned.length === 0) await this.#awaitLateCalls();
    const mayHaveEnded = this.#mayEndAfterCall;
    this.#mayEndAfterCall = planned.includes("ends-after");
    if (mayHaveEnded) this.#endCrash();
  }

  /** Else what they carry would be taken when all is said to be at rest. */
  async #awaitLateCalls(): Promise<void> {
    await delay(Math.max(this.#lateUntilMs - performance.now(), 0));
  }

  async #fail(kind: "abort" | "evict, sockets kept" | "evict, sockets closed" | "call faults"): Promise<void> {
    const { faults } = this.settings.broker;
    if (faults === undefined) return;
    const shard = this.#random(this.settings.shards);
    if (kind === "evict, sockets kept") return this.#evict(faults, shard, "hibernate");
    if (kind === "evict, sockets closed") return this.#evict(faults, shard, "close");
    if (kind === "call faults") return this.#planCalls(faults);
    await this.#stirBeforeCrash();
    this.trace.note(`shard ${shard} is lost`);
    this.model.beginCrash();
    await faults.abort(shard);
    this.#endCrash();
  }

  async #planCalls(faults: ShardFaults): Promise<void> {
    const planned = Array.from({ length: 1 + this.#random(mostCallFaults) }, () =>
      this.#pick(this.settings.callFaults),
    );
    this.trace.note(`calls: ${planned.join()}`);
    await this.#plan(faults, planned, this.#random(longestLateMs));
    await this.#stir();
  }

  /** As the runtime does it: nothing is under way, the idle save has run. Where sockets are kept nobody may notice. */
  async #evict(faults: ShardFaults, shard: number, webSockets: "close" | "hibernate"): Promise<void> {
    await this.#countCalls();
    await this.#plan(faults, []);
    for (const client of this.clients) client.pause(true);
    await this.#until(() => this.clients.every(({ isConnecting, owesPing }) => !isConnecting && !owesPing));
    await this.#save(faults);
    if (webSockets === "close") this.model.beginCrash();
    const connected = this.clients.filter(({ isOnline }) => isOnline);
    const connections = connected.map(({ connection }) => connection);
    await this.#sleep(faults, shard, webSockets);
    for (const client of this.clients) client.pause(false);
    if (webSockets === "close") return this.#endCrash();
    for (const client of connected) client.ping();
    await this.#until(() => connected.every(({ owesPing }) => !owesPing));
    for (const [index, { connection, terms }] of connected.entries()) {
      if (connection === connections[index]) continue;
      this.model.violate(`${terms.clientId} noticed that shard ${shard} slept: its connection is gone`);
    }
  }

  /** An eviction that does not happen does not count. */
  async #sleep(faults: ShardFaults, shard: number, webSockets: "close" | "hibernate"): Promise<void> {
    const hasSlept = await faults.evict(shard, webSockets);
    this.trace.note(`shard ${shard} ${hasSlept ? "has slept" : "would not sleep"}`);
    if (!hasSlept) this.counts[webSockets === "close" ? "evict, sockets closed" : "evict, sockets kept"] -= 1;
  }

  /** What one shard says to another in its flush makes that one dirty again: until all are at rest twice in a row. */
  async #save(faults: ShardFaults): Promise<void> {
    const shards = Array.from({ length: this.settings.shards }, (_, shard) => shard);
    let quiet = 0;
    for (let round = 0; quiet < 2 && round < quietRounds; round += 1) {
      let isQuiet = true;
      for (const shard of shards) if (!(await faults.save(shard))) isQuiet = false;
      quiet = isQuiet ? quiet + 1 : 0;
    }
  }

  /** The process counts them, and forgets them when it is killed. */
  async #countCalls(): Promise<void> {
    const { faults } = this.settings.broker;
    if (faults === undefined) return;
    const { calls } = await faults.counts();
    for (const fault of callFaults) this.counts[fault] += calls[fault] - (this.#callsCounted[fault] ?? 0);
    this.#callsCounted = { ...calls };
  }

  async #settle(): Promise<void> {
    await this.#countCalls();
    const { faults } = this.settings.broker;
    if (faults !== undefined) await this.#plan(faults, []);
    await settle(this);
  }

  /** Waits at most as long as any answer may take. */
  async #until(isDone: () => boolean): Promise<void> {
    const patience = new Patience(answerWithinMs);
    while (!isDone()) {
      if (patience.isOver) {
        this.model.violate(`no answer: ${this.clients.map(({ pending }) => pending).join("; ")}`);
        return;
      }
      await delay(pollMs);
    }
  }

  #pick<Type>(list: readonly Type[]): Type {
    return list[this.#random(list.length)] as Type;
  }

  /** True so many times in a hundred. */
  #chance(times: number): boolean {
    return this.#random(percent) < times;
  }
}
