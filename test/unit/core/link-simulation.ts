// A seeded world of shards in a row, with links between neighbours over a network that delays, drops and
// reorders, and with crashes that leave only what was committed. Faults are switched on by the controls.

import { unpackBatch } from "../../../src/core/link-batch.ts";
import type { Outcome } from "../../../src/core/link-flight.ts";
import { linkLimits, type LinkLimits } from "../../../src/core/link-limits.ts";
import {
  LinkReceiver,
  type Reply,
  type ReceiverStep,
  type Taken,
  type TakenId,
} from "../../../src/core/link-receiver.ts";
import { LinkSender } from "../../../src/core/link-sender.ts";
import type { Call, CallId } from "../../../src/core/link-window.ts";
import type { ItemVerdict } from "../../../src/core/link-answer.ts";
import { Outbox, type OutboxPort } from "../../../src/core/outbox.ts";
import type { QoS } from "../../../src/core/packet.ts";

export type Fault =
  | "ignores n"
  | "forgets d"
  | "loses the outbox"
  | "answers before the commit"
  | "passes on without fromDurable";

export type Random = () => number;

/** mulberry32. */
export function seeded(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export class MemoryOutbox implements OutboxPort {
  readonly rows = new Map<number, Uint8Array>();
  written = 0;

  append(number: number, bytes: Uint8Array): void {
    this.rows.set(number, bytes);
    this.written += 1;
  }

  clear(number: number): void {
    this.append(number, new Uint8Array(0));
  }

  delete(number: number): void {
    if (!this.rows.delete(number)) throw new Error(`no row ${number}`);
    this.written += 1;
  }

  readAfter(number: number): { number: number; bytes: Uint8Array } | undefined {
    const next = Math.min(Infinity, ...[...this.rows.keys()].filter((key) => key > number));
    return next === Infinity ? undefined : { number: next, bytes: this.rows.get(next) ?? new Uint8Array(0) };
  }

  summary(): { last: number; lastIsEmpty: boolean; count: number; bytes: number } {
    const last = Math.max(0, ...this.rows.keys());
    const sizes = [...this.rows.values()].map((bytes) => bytes.length);
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    return { last, lastIsEmpty: this.rows.get(last)?.length === 0, count: sizes.filter(Boolean).length, bytes };
  }
}

export interface Sent {
  readonly id: number;
  readonly qos: QoS;
  /** Which life of the first shard sent it. */
  readonly life: number;
}

type Token =
  | { readonly kind: "source"; readonly sent: Sent }
  | { readonly kind: "relay"; readonly id: TakenId; readonly ordinal: number };

interface Rpc {
  readonly answer: (bytes: Uint8Array) => void;
  readonly fail: () => void;
}

/** The subscriber's shard has routes for some topics only. */
export const isWanted = ({ id, qos }: Pick<Sent, "id" | "qos">): boolean => qos < 2 || id % 2 === 0;

/** Takes whatever comes as it comes. */
const careless = (bytes: Uint8Array): Taken[] => {
  const batch = unpackBatch(bytes);
  return batch === undefined ? [] : [{ id: batch, durable: batch.durable !== undefined, items: batch.items }];
};

export interface Chaos {
  readonly drop: number;
  readonly late: number;
  /** Whether a late call may run when the shard that it was for has restarted. */
  readonly lateOutlives: boolean;
  readonly runButFail: number;
  readonly crash: number;
  readonly delayMs: number;
}

export class World {
  readonly random: Random;
  readonly faults: ReadonlySet<Fault>;
  readonly limits: LinkLimits;
  chaos: Chaos;
  nowMs = 0;
  readonly shards: Shard[] = [];
  #events: { atMs: number; order: number; run: () => void }[] = [];
  #order = 0;
  /** Outcomes told at the first shard. */
  readonly outcomes = new Map<number, Outcome>();
  readonly sent: Sent[] = [];
  /** Shards that no call reaches. */
  readonly cutOff = new Set<number>();

  constructor(
    seed: number,
    shards: number,
    chaos: Chaos,
    faults: readonly Fault[] = [],
    limits: Partial<LinkLimits> = {},
  ) {
    this.random = seeded(seed);
    this.faults = new Set(faults);
    this.chaos = chaos;
    this.limits = { ...linkLimits, windowBatches: 6, rememberedAnswers: 12, heldBatches: 4, ...limits };
    for (let at = 0; at < shards; at += 1) this.shards.push(new Shard(this, at, at === shards - 1));
  }

  at(delayMs: number, run: () => void): void {
    this.#events.push({ atMs: this.nowMs + delayMs, order: this.#order++, run });
  }

  /** Runs events until `untilMs`. */
  run(untilMs: number): void {
    for (;;) {
      this.#events.sort((a, b) => a.atMs - b.atMs || a.order - b.order);
      const event = this.#events[0];
      if (event === undefined || event.atMs > untilMs) break;
      this.#events.shift();
      this.nowMs = event.atMs;
      event.run();
    }
    this.nowMs = untilMs;
  }

  chance(probability: number): boolean {
    return this.random() < probability;
  }

  publish(kind: "publish" | "delivery", qos: QoS): void {
    const first = this.shards[0];
    if (first === undefined) return;
    const sent = { id: this.sent.length + 1, qos, life: first.life };
    const entry = { kind, qos, retain: false, message: new Uint8Array([sent.id >> 8, sent.id & 0xff]) } as const;
    if (first.sender.enqueue(entry, this.nowMs, { token: { kind: "source", sent } }) !== "taken") return;
    this.sent.push(sent);
    first.wake();
  }

  /** Carries one call and its answer; each way may fail. */
  carry({ id, bytes }: Call, from: Shard, to: Shard): void {
    const { life } = from;
    const back = (run: () => void): void => this.at(this.#delay(), () => from.life === life && run());
    const fail = (): void => back(() => from.onFailure(id));
    if (this.chance(this.chaos.drop) || this.cutOff.has(to.at)) return fail();
    const nobody = { answer: () => undefined, fail: () => undefined };
    // The runtime runs a call once at most. But it may run late, when the caller has heard an error and made another.
    if (this.chance(this.chaos.late)) {
      const receiverLife = to.life;
      const mayRun = (): boolean => this.chaos.lateOutlives || to.life === receiverLife;
      this.at(this.#delay() * 5, () => mayRun() && to.onCall(bytes, nobody));
      return fail();
    }
    const isLost = this.chance(this.chaos.runButFail);
    const answer = (answered: Uint8Array): void => (isLost ? fail() : back(() => from.onAnswer(id, answered)));
    this.at(this.#delay(), () => to.onCall(bytes, { answer, fail }));
  }

  #delay(): number {
    return 1 + Math.floor(this.random() * this.chaos.delayMs);
  }
}

export class Shard {
  readonly #world: World;
  readonly at: number;
  readonly #isLast: boolean;
  life = 0;
  sender!: LinkSender<Token>;
  #receiver!: LinkReceiver<Rpc>;
  #calls = new Set<Rpc>();
  #effects: Sent["id"][] = [];
  #verdicts: (readonly [TakenId, ItemVerdict])[] = [];
  #replies: Reply<Rpc>[] = [];
  #turnAtMs = Infinity;
  // What is committed.
  readonly outbox = new MemoryOutbox();
  #durable = 0;
  readonly log: number[] = [];
  /** QoS 0, which is handed on at once. */
  readonly live: number[] = [];

  constructor(world: World, at: number, isLast: boolean) {
    this.#world = world;
    this.at = at;
    this.#isLast = isLast;
    this.#start();
  }

  #start(): void {
    const { limits, random, faults } = this.#world;
    this.life += 1;
    if (faults.has("loses the outbox") && this.life > 1) this.outbox.rows.clear();
    const incarnation = Math.floor(random() * 2 ** 40);
    this.sender = new LinkSender({
      from: this.at,
      incarnation,
      layout: 1,
      outbox: new Outbox(this.outbox, limits),
      limits,
    });
    this.#receiver = new LinkReceiver(faults.has("forgets d") ? 0 : this.#durable, limits);
    this.#effects = [];
    this.#verdicts = [];
    this.#replies = [];
    this.#turnAtMs = Infinity;
  }

  /** Memory is lost; what is committed stays; those who wait for an answer get an error. */
  crash(): void {
    for (const rpc of this.#calls) rpc.fail();
    this.#calls.clear();
    this.#start();
    this.wake();
  }

  /** Memory is lost where nothing has happened for long, no call is on its way either. Gives whether it was. */
  sleep(): boolean {
    const isBusy = this.#calls.size + this.#verdicts.length + this.#replies.length + this.#effects.length > 0;
    const isCalled = this.#world.shards[this.at - 1]?.sender.isQuiet === false;
    if (isBusy || isCalled || !this.sender.isQuiet || !this.#receiver.isQuiet) return false;
    this.#start();
    return true;
  }

  /** Asks for a turn, unless an earlier one is coming. */
  wake(delayMs = 1): void {
    const atMs = this.#world.nowMs + delayMs;
    if (atMs >= this.#turnAtMs) return;
    this.#turnAtMs = atMs;
    const { life } = this;
    this.#world.at(delayMs, () => life === this.life && this.#turnAtMs === atMs && this.#turn());
  }

  /** One flush: everything in it is committed together; then calls leave and outcomes are told. */
  #turn(): void {
    const world = this.#world;
    this.#turnAtMs = Infinity;
    if (world.chance(world.chaos.crash)) return this.crash();
    const { calls, resolved } = this.sender.flush(world.nowMs);
    this.#receiver.flush({ storeDurable: (number) => (this.#durable = number) });
    this.log.push(...this.#effects);
    this.#effects = [];
    if (world.chance(world.chaos.crash)) return this.crash();
    // The output gate: what leaves does so after the commit.
    this.#answerCalls();
    for (const { token, outcome } of resolved) this.#onOutcome(token, outcome);
    for (const [id, verdict] of this.#verdicts.splice(0)) this.#verdictLater(id, verdict);
    for (const call of calls) this.#send(call);
    if (world.chance(world.chaos.crash)) return this.crash();
    const nextMs = this.sender.nextFlushMs(world.nowMs);
    if (nextMs !== undefined) this.wake(Math.max(nextMs - world.nowMs, 1));
  }

  #send(call: Call): void {
    const next = this.#world.shards[this.at + 1];
    if (next === undefined) throw new Error("the last shard has nobody to call");
    this.#world.carry(call, this, next);
  }

  #onOutcome(token: Token, outcome: Outcome): void {
    if (token.kind === "source") {
      if (this.#world.outcomes.has(token.sent.id)) throw new Error("two outcomes for one token");
      this.#world.outcomes.set(token.sent.id, outcome);
    } else if (outcome.kind === "no-verdict") {
      throw new Error("a delivery is never given up");
    } else {
      this.#settle(token.id, { ordinal: token.ordinal, verdict: "matched" });
    }
  }

  #verdictLater(id: TakenId, verdict: ItemVerdict): void {
    const { life } = this;
    const delayMs = Math.floor(this.#world.random() * this.#world.chaos.delayMs);
    this.#world.at(delayMs, () => life === this.life && this.#settle(id, verdict));
  }

  #settle(id: TakenId, verdict: ItemVerdict): void {
    this.#reply({ taken: [], replies: this.#receiver.onVerdicts(id, [verdict]) });
  }

  onCall(bytes: Uint8Array, rpc: Rpc): void {
    const batch = unpackBatch(bytes);
    if (batch === undefined) throw new Error("unreadable");
    this.#calls.add(rpc);
    if (this.#world.faults.has("ignores n")) for (const taken of careless(bytes)) this.#take(taken);
    this.#reply(this.#receiver.onBatch(batch, rpc));
    this.wake();
  }

  #reply({ taken, replies }: ReceiverStep<Rpc>): void {
    if (!this.#world.faults.has("ignores n")) for (const batch of taken) this.#take(batch);
    else
      for (const { id, items } of taken)
        for (const { ordinal } of items) this.#verdicts.push([id, { ordinal, verdict: "matched" }]);
    this.#replies.push(...replies);
    if (this.#world.faults.has("answers before the commit")) this.#answerCalls();
    this.wake();
  }

  #answerCalls(): void {
    for (const { call, bytes } of this.#replies.splice(0)) {
      this.#calls.delete(call);
      call.answer(bytes);
    }
  }

  #take({ id, durable, items }: Taken): void {
    for (const { ordinal, entry } of items) {
      if (entry.kind !== "publish" && entry.kind !== "delivery") throw new Error("only messages here");
      const message = ((entry.message[0] ?? 0) << 8) | (entry.message[1] ?? 0);
      if (!this.#isLast && !isWanted({ id: message, qos: entry.qos })) {
        this.#verdicts.push([id, { ordinal, verdict: "none" }]);
      } else if (!this.#isLast) {
        const fromDurable = durable && !this.#world.faults.has("passes on without fromDurable");
        const token: Token = { kind: "relay", id, ordinal };
        this.sender.enqueue({ ...entry, kind: "delivery" }, this.#world.nowMs, { token, fromDurable });
      } else if (entry.qos === 0) {
        this.live.push(message);
      } else {
        this.#effects.push(message);
        if (this.#world.faults.has("answers before the commit")) this.#settle(id, { ordinal, verdict: "matched" });
        else this.#verdicts.push([id, { ordinal, verdict: "matched" }]);
      }
    }
  }

  onAnswer(id: CallId, bytes: Uint8Array): void {
    for (const { token, outcome } of this.sender.onAnswer(id, bytes, this.#world.nowMs))
      this.#onOutcome(token, outcome);
    this.wake();
  }

  onFailure(id: CallId): void {
    this.sender.onFailure(id, true, this.#world.nowMs);
    this.wake();
  }
}
