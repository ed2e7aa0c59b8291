// The receiving end of a link: takes batches in once and in order, holds those that come early, joins repeats to what is
// under way, and remembers answers.

import { packAnswer, type ItemVerdict, type LinkAnswer } from "./link-answer.ts";
import type { Batch, BatchItem } from "./link-batch.ts";
import type { LinkLimits } from "./link-limits.ts";

/** Names a batch that was taken in, until its verdicts are in. */
export interface TakenId {
  readonly incarnation: number;
  readonly opening: number;
  readonly n: number;
}

export interface Taken {
  readonly id: TakenId;
  /** It will never be taken in again: what is passed on because of it must survive this shard (`fromDurable`). */
  readonly durable: boolean;
  /** What this version understands, in order. */
  readonly items: readonly BatchItem[];
}

export interface Reply<Call> {
  readonly call: Call;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export interface ReceiverStep<Call> {
  /** To be carried out now, in this order; each then needs its verdicts (`onVerdicts`). */
  readonly taken: readonly Taken[];
  /** To be answered once the commit of the present flush is durable. */
  readonly replies: readonly Reply<Call>[];
}

/** The highest durable number taken from one shard. Called inside a flush. */
export interface ReceiverPort {
  storeDurable(number: number): void;
}

/** A batch whose verdicts are not all in. */
interface Pending<Call> {
  readonly open: Set<number>;
  readonly verdicts: ItemVerdict[];
  readonly calls: Call[];
}

/** One link, seen from its end. `Call` stands for an RPC that waits for its answer. */
export class LinkReceiver<Call> {
  readonly #limits: LinkLimits;
  #incarnation: number | undefined;
  #opening = 0;
  #next = 1;
  #forgottenTo = 1;
  readonly #pending = new Map<number, Pending<Call>>();
  readonly #answers = new Map<number, Uint8Array<ArrayBuffer>>();
  readonly #held = new Map<number, Batch>();
  /** Incarnation → its last opening. One that lives comes back with a higher one, whatever a late call of another did. */
  readonly #superseded = new Map<number, number>();
  #heldBytes = 0;
  #lastDurable: number;
  #storedDurable: number;

  /** `storedDurable`: what the port stored last, 0 at first. */
  constructor(storedDurable: number, limits: LinkLimits) {
    this.#limits = limits;
    this.#lastDurable = storedDurable;
    this.#storedDurable = storedDurable;
  }

  /** Of the sender's present life; `undefined` where nothing came yet. */
  get incarnation(): number | undefined {
    return this.#incarnation;
  }

  /** Nothing that came waits for its verdict, or for what comes before it. */
  get isQuiet(): boolean {
    return this.#pending.size === 0 && this.#held.size === 0;
  }

  /** A batch came in a call. */
  onBatch(batch: Batch, call: Call): ReceiverStep<Call> {
    const dropped = this.#begin(batch);
    if (dropped === undefined) return { taken: [], replies: [reply(call, { kind: "restart" })] };
    this.#forget(batch.oldest);
    const step = this.#place(batch, call);
    return { taken: step.taken, replies: [...dropped, ...step.replies] };
  }

  /**
   * Sees to it that the batch belongs to the stream in force. Gives the calls of a stream that it ends, `undefined` where
   * the batch is of none: only n = 1 starts one.
   */
  #begin(batch: Batch): Reply<Call>[] | undefined {
    if (batch.incarnation === this.#incarnation && batch.opening === this.#opening) return [];
    if (batch.n !== 1 || this.#isPast(batch) || this.#isOfEarlierLife(batch)) return undefined;
    if (this.#incarnation !== undefined) this.#supersede(this.#incarnation, this.#opening);
    const ended = [...this.#pending.values()].flatMap((pending) => pending.calls);
    this.#pending.clear();
    this.#answers.clear();
    this.#held.clear();
    this.#heldBytes = 0;
    this.#next = 1;
    this.#forgottenTo = 1;
    this.#incarnation = batch.incarnation;
    this.#opening = batch.opening;
    return ended.map((call) => reply(call, { kind: "restart" }));
  }

  #isPast(batch: Batch): boolean {
    const opening = batch.incarnation === this.#incarnation ? this.#opening : this.#superseded.get(batch.incarnation);
    return opening !== undefined && batch.opening <= opening;
  }

  /**
   * A call of a life that has ended may come first when its successor has been heard: what the client published again since
   * must not be followed by its first copy. One that lives, and began by a clock that was behind, comes back with its next
   * opening.
   */
  #isOfEarlierLife({ incarnation, opening }: Batch): boolean {
    if (incarnation >= (this.#incarnation ?? 0) || this.#superseded.has(incarnation)) return false;
    this.#supersede(incarnation, opening);
    return true;
  }

  #supersede(incarnation: number, opening: number): void {
    this.#superseded.delete(incarnation);
    this.#superseded.set(incarnation, opening);
    if (this.#superseded.size > this.#limits.rememberedIncarnations) deleteFirst(this.#superseded);
  }

  /** Answers that the sender has are not asked for again. */
  #forget(oldest: number): void {
    while (this.#forgottenTo < oldest) this.#answers.delete(this.#forgottenTo++);
  }

  #place(batch: Batch, call: Call): ReceiverStep<Call> {
    if (batch.n < this.#next) return { taken: [], replies: this.#repeat(batch.n, call) };
    if (batch.n > this.#next) {
      this.#hold(batch);
      return { taken: [], replies: [reply(call, { kind: "resend-from", n: this.#next })] };
    }
    const taken: Taken[] = [];
    const replies = this.#take(batch, call, taken);
    // Those that were held have been answered with `resend-from`: their repeats will find them here.
    for (let held = this.#unhold(); held !== undefined; held = this.#unhold()) this.#take(held, undefined, taken);
    return { taken, replies };
  }

  /** Joins what is under way, or gets the answer again. */
  #repeat(n: number, call: Call): Reply<Call>[] {
    const pending = this.#pending.get(n);
    const bytes = this.#answers.get(n);
    if (pending !== undefined) {
      pending.calls.push(call);
      return [];
    }
    // The sender has had an answer that is forgotten here; if not, it starts over.
    return bytes === undefined ? [reply(call, { kind: "restart" })] : [{ call, bytes }];
  }

  #hold(batch: Batch): void {
    const isFar = batch.n > this.#next + this.#limits.heldBatches;
    const isLarge = this.#heldBytes + batch.byteLength > this.#limits.heldBytes;
    if (isFar || isLarge || this.#held.has(batch.n)) return;
    this.#held.set(batch.n, batch);
    this.#heldBytes += batch.byteLength;
  }

  #unhold(): Batch | undefined {
    const batch = this.#held.get(this.#next);
    if (batch === undefined) return undefined;
    this.#held.delete(batch.n);
    this.#heldBytes -= batch.byteLength;
    return batch;
  }

  #take(batch: Batch, call: Call | undefined, taken: Taken[]): Reply<Call>[] {
    this.#next = batch.n + 1;
    const calls = call === undefined ? [] : [call];
    // What this durable number stood for was committed in an earlier life: no message of it is taken again. What is
    // answered by an entry of its own is: that answer may have been lost with the life.
    const isKnown = batch.durable !== undefined && batch.durable <= this.#lastDurable;
    const items = isKnown ? batch.items.filter(isControl) : batch.items;
    const known = items.filter((item) => item.entry.kind !== "unknown");
    const verdicts = items.filter((item) => item.entry.kind === "unknown").map(notUnderstood);
    const open = new Set(known.filter(needsVerdict).map((item) => item.ordinal));
    if (batch.durable !== undefined && !isKnown) this.#lastDurable = batch.durable;
    this.#pending.set(batch.n, { open, verdicts, calls });
    if (known.length > 0) taken.push({ id: idOf(batch), durable: batch.durable !== undefined, items: known });
    return this.#answerIfDecided(batch.n);
  }

  /**
   * Verdicts for entries of a batch that was taken in; in one call or several. Every entry but QoS 0 needs one: `matched`
   * or `none` when each target has answered or its share is in the outbox, and not before that is committed.
   */
  onVerdicts(id: TakenId, verdicts: readonly ItemVerdict[]): readonly Reply<Call>[] {
    if (id.incarnation !== this.#incarnation || id.opening !== this.#opening) return [];
    const pending = this.#pending.get(id.n);
    if (pending === undefined) return [];
    for (const item of verdicts) if (pending.open.delete(item.ordinal)) pending.verdicts.push(item);
    return this.#answerIfDecided(id.n);
  }

  #answerIfDecided(n: number): Reply<Call>[] {
    const pending = this.#pending.get(n);
    if (pending === undefined || pending.open.size > 0) return [];
    const bytes = packAnswer({ kind: "verdicts", items: pending.verdicts });
    this.#pending.delete(n);
    this.#remember(n, bytes);
    return pending.calls.map((call) => ({ call, bytes }));
  }

  #remember(n: number, bytes: Uint8Array<ArrayBuffer>): void {
    this.#answers.set(n, bytes);
    if (this.#answers.size > this.#limits.rememberedAnswers) deleteFirst(this.#answers);
  }

  /** Stores the durable number of what was taken in; inside the commit that the effects belong to. */
  flush(port: ReceiverPort): void {
    if (this.#lastDurable === this.#storedDurable) return;
    port.storeDurable(this.#lastDurable);
    this.#storedDurable = this.#lastDurable;
  }
}

/** Of a Map, whose keys keep the order in which they came: the oldest. */
function deleteFirst(map: Map<number, unknown>): void {
  for (const key of map.keys()) {
    map.delete(key);
    return;
  }
}

const reply = <Call>(call: Call, answer: LinkAnswer): Reply<Call> => ({ call, bytes: packAnswer(answer) });

const idOf = ({ incarnation, opening, n }: Batch): TakenId => ({ incarnation, opening, n });

const notUnderstood = ({ ordinal }: BatchItem): ItemVerdict => ({ ordinal, verdict: "not-understood" });

/** Nobody waits for a verdict on QoS 0. */
/** The same twice is the same as once. */
const isControl = ({ entry }: BatchItem): boolean => !("message" in entry);

const needsVerdict = ({ entry }: BatchItem): boolean => !("qos" in entry && entry.qos === 0);
