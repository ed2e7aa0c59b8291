// The log against a model that keeps everything in one array: random appends, releases, ends of sessions, flushes,
// compactions, restarts and crashes. A failing seed becomes a test by name.

import { describe, expect, test } from "vitest";
import type { Position, SessionNumber, TopicName } from "../../../src/core/brand.ts";
import { MessageLog, type Recipient } from "../../../src/core/message-log.ts";
import { PositionRanges, type PositionRange } from "../../../src/core/position-ranges.ts";
import { MemoryLogStore } from "../../support/memory-log-store.ts";
import { randomOf } from "../../support/random.ts";

const seeds = 15;
const steps = 400;
const sessions = 6;

interface ModelEntry {
  readonly position: Position;
  readonly text: string;
  readonly recipients: readonly Recipient[];
}

/** A new one: saved ones stay as they are. */
function withRange(ranges: PositionRanges | undefined, from: Position, to: Position): PositionRanges {
  return new PositionRanges([...(ranges?.entries ?? []), [from, to]]);
}

class Simulation {
  readonly #random: (below: number) => number;
  readonly #store = new MemoryLogStore();
  #log: MessageLog;
  #entries: ModelEntry[] = [];
  #flushedTo = 0;
  /** What each living session has acknowledged; ended ones are absent. */
  #acknowledged = new Map<SessionNumber, Position>();
  #saved = new Map<SessionNumber, Position>();
  /** What each released out of order, and what of that was saved. */
  #ranges = new Map<SessionNumber, PositionRanges>();
  #savedRanges = new Map<SessionNumber, PositionRanges>();
  /** The same, told at any time: may be there or not. */
  #everReleased = new Map<SessionNumber, PositionRanges>();
  /** After a crash: what was acknowledged before it may be there or not. */
  #certainFrom = new Map<SessionNumber, Position>();
  readonly #shared: Recipient[][];
  #nextSession = sessions + 1;

  constructor(seed: number) {
    this.#random = randomOf(seed);
    for (let number = 1; number <= sessions; number += 1)
      this.#acknowledged.set(number as SessionNumber, 0 as Position);
    this.#saved = new Map(this.#acknowledged);
    this.#shared = [this.#audience(), this.#audience()];
    this.#log = this.#open();
  }

  step(): void {
    const dice = this.#random(100);
    if (dice < 45) this.#append();
    else if (dice < 68) this.#release();
    else if (dice < 75) this.#releaseRange();
    else if (dice < 90) this.#flush();
    else if (dice < 94) this.#compact();
    else if (dice < 96) this.#end();
    else if (dice < 98) this.#restart();
    else this.#crash();
  }

  /** Every session reads what the model says, and nothing is kept that nobody needs. */
  check(): void {
    for (const [session, after] of this.#acknowledged) {
      const certain = Math.max(after, this.#certainFrom.get(session) ?? 0);
      const found = this.#read(session, after);
      const own = this.#entries.filter((entry) => entry.recipients.some((recipient) => recipient.session === session));
      const isCertain = ({ position }: { position: Position }): boolean =>
        position > certain && this.#everReleased.get(session)?.has(position) !== true;
      expect(found.filter(isCertain)).toEqual(textsOf(own, certain).filter(isCertain));
      expect(textsOf(own, after)).toEqual(expect.arrayContaining(found));
    }
    expect(this.#log.end).toBe(this.#entries.at(-1)?.position ?? 0);
  }

  /** When all is acknowledged, one row is left at most. */
  finish(): void {
    for (const session of this.#acknowledged.keys()) this.#releaseTo(session, this.#log.end);
    this.#flush();
    for (let more = true; more; this.#flush()) more = this.#log.compact();
    expect(this.#store.rows.size).toBeLessThanOrEqual(1);
    expect(this.#log.bytes).toBe(0);
    expect(this.#log.isDirty).toBe(false);
  }

  #open(): MessageLog {
    const log = new MessageLog(this.#store, { maximumLogBytes: 2 ** 30, maximumCachedBytes: this.#random(2) * 20_000 });
    log.recover(
      (session) => this.#acknowledged.get(session),
      (session) => this.#ranges.get(session)?.entries ?? [],
    );
    return log;
  }

  #append(): void {
    if (this.#acknowledged.size === 0) return;
    for (let left = 1 + this.#random(6); left > 0; left -= 1) {
      const recipients = (this.#random(2) === 0 ? this.#shared[this.#random(2)] : undefined) ?? this.#audience();
      const living = recipients.every(({ session }) => this.#acknowledged.has(session)) ? recipients : this.#audience();
      const text = `${this.#random(1e9)}${"x".repeat(this.#random(10) === 0 ? 9_000 : this.#random(50))}`;
      const topicName = `t/${this.#random(5)}` as TopicName;
      const payload = new TextEncoder().encode(text);
      const position = this.#log.append({ topicName, payload, qos: 1, retain: false }, living);
      expect(position).toBeGreaterThan(this.#entries.at(-1)?.position ?? 0);
      this.#entries.push({ position, text, recipients: living });
    }
  }

  #audience(): Recipient[] {
    const all = [...this.#acknowledged.keys()];
    const some = all.filter(() => this.#random(3) === 0);
    const chosen = some.length > 0 ? some : [all[this.#random(all.length)] as SessionNumber];
    return chosen.map((session) => ({ session, qos: 1, retain: false }));
  }

  #release(): void {
    const session = this.#anySession();
    if (session === undefined) return;
    const after = this.#acknowledged.get(session) as Position;
    const ahead = this.#read(session, after);
    // Sometimes everything, sometimes up to an own entry, sometimes a little beyond it.
    if (this.#random(5) === 0 || ahead.length === 0) this.#releaseTo(session, this.#log.end);
    else this.#releaseTo(session, (ahead[this.#random(Math.min(ahead.length, 5))] as { position: Position }).position);
  }

  #releaseTo(session: SessionNumber, to: Position): void {
    const from = this.#acknowledged.get(session) as Position;
    const isToldFirst = this.#random(2) === 0;
    if (isToldFirst) this.#acknowledged.set(session, to);
    this.#log.release(session, from, to);
    this.#acknowledged.set(session, to);
  }

  /** Something in the middle, while what is before it stays. */
  #releaseRange(): void {
    const session = this.#anySession();
    if (session === undefined) return;
    const after = this.#acknowledged.get(session) as Position;
    const from = after + 1 + this.#random(Math.max(1, this.#log.end - after));
    const to = Math.min(this.#log.end, from + this.#random(40));
    if (to < from) return;
    for (const ranges of [this.#ranges, this.#everReleased]) {
      ranges.set(session, withRange(ranges.get(session), from as Position, to as Position));
    }
    this.#log.releaseRange(session, from as Position, to as Position);
  }

  #flush(): void {
    this.#log.flush();
    this.#flushedTo = this.#entries.at(-1)?.position ?? 0;
    if (this.#random(2) === 0) {
      this.#saved = new Map(this.#acknowledged);
      this.#savedRanges = new Map(this.#ranges);
    }
    for (const session of this.#saved.keys()) if (!this.#acknowledged.has(session)) this.#saved.delete(session);
    for (const session of this.#acknowledged.keys()) {
      if (!this.#saved.has(session)) this.#saved.set(session, this.#acknowledged.get(session) as Position);
    }
  }

  #compact(): void {
    this.#log.compact();
  }

  /** One session ends, another begins. */
  #end(): void {
    const session = this.#anySession();
    if (session === undefined) return;
    const after = this.#acknowledged.get(session) as Position;
    this.#acknowledged.delete(session);
    this.#log.forget(session, after);
    this.#acknowledged.set(this.#nextSession as SessionNumber, this.#log.end);
    this.#nextSession += 1;
    this.#flush();
  }

  #restart(): void {
    this.#flush();
    this.#saved = new Map(this.#acknowledged);
    this.#savedRanges = new Map(this.#ranges);
    this.#log = this.#open();
  }

  #crash(): void {
    for (const [session, acknowledged] of this.#acknowledged) {
      const before = Math.min(this.#certainFrom.get(session) ?? 0, this.#flushedTo);
      this.#certainFrom.set(session, Math.max(before, Math.min(acknowledged, this.#flushedTo)) as Position);
    }
    this.#entries = this.#entries.filter(({ position }) => position <= this.#flushedTo);
    this.#acknowledged = new Map(this.#saved);
    this.#ranges = new Map(this.#savedRanges);
    for (const [session, { entries }] of this.#everReleased) {
      const flushed = entries.map(([from, to]): PositionRange => [from, Math.min(to, this.#flushedTo) as Position]);
      this.#everReleased.set(session, new PositionRanges(flushed)); // later positions are given again
    }
    this.#log = this.#open();
  }

  #anySession(): SessionNumber | undefined {
    const all = [...this.#acknowledged.keys()];
    return all[this.#random(all.length)];
  }

  #read(session: SessionNumber, after: Position): { position: Position; text: string }[] {
    const found: { position: Position; text: string }[] = [];
    for (let entry = this.#log.next(session, after); entry; entry = this.#log.next(session, entry.position)) {
      found.push({ position: entry.position, text: new TextDecoder().decode(entry.message.payload) });
    }
    return found;
  }
}

const textsOf = (entries: readonly ModelEntry[], after: number): { position: Position; text: string }[] =>
  entries.filter(({ position }) => position > after).map(({ position, text }) => ({ position, text }));

describe("the log agrees with a model", () => {
  test.each(Array.from({ length: seeds }, (_, seed) => seed))("seed %i", (seed) => {
    const simulation = new Simulation(seed);
    for (let step = 0; step < steps; step += 1) {
      simulation.step();
      if (step % 10 === 0) simulation.check();
    }
    simulation.check();
    simulation.finish();
  });
});
