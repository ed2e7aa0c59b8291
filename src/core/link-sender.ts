// The sending end of a link: gathers entries, sends them as an ordered stream of batches with several on their way, and
// repeats, stores or gives up what is not answered. Times come in; calls and outcomes go out.

import { unpackAnswer } from "./link-answer.ts";
import { packEntry, type KnownEntry } from "./link-entry.ts";
import { Flight, type Resolved } from "./link-flight.ts";
import { Gathering, policyOf } from "./link-gathering.ts";
import type { LinkLimits } from "./link-limits.ts";
import { LinkWindow, type Call, type CallId, type LinkIdentity } from "./link-window.ts";
import type { Outbox } from "./outbox.ts";

export interface SenderFlush<Token> {
  /** To be made once the commit of this flush is durable, in this order. */
  readonly calls: readonly Call[];
  /** To be told once the commit of this flush is durable. */
  readonly resolved: readonly Resolved<Token>[];
}

export interface SenderOptions extends LinkIdentity {
  /** Number of the layout in force. */
  readonly layout: number;
  readonly outbox: Outbox;
  readonly limits: LinkLimits;
}

export interface EnqueueOptions<Token> {
  /** Who is told the outcome. */
  readonly token?: Token;
  /** It comes of a batch with a durable number, which this shard will not take in again. */
  readonly fromDurable?: boolean;
}

export class LinkSender<Token> {
  readonly #outbox: Outbox;
  readonly #limits: LinkLimits;
  readonly #gathering = new Gathering<Token>();
  readonly #window: LinkWindow<Token>;
  /** Who waits for batches that lie in the outbox and are not in the window yet, by number. */
  readonly #parked = new Map<number, Flight<Token>>();
  /** Answered, their rows not released yet. */
  #answered: Flight<Token>[] = [];
  #layout: number;
  #nextNumber: number;
  /** Rows of the outbox that are not in the window yet. */
  #backlog: number;
  #unreachable = false;
  #shedding = false;
  #droppedQos0 = 0;

  /** A sender whose outbox holds rows of an earlier life sends those first. */
  constructor(options: SenderOptions) {
    this.#outbox = options.outbox;
    this.#limits = options.limits;
    this.#layout = options.layout;
    this.#window = new LinkWindow({ from: options.from, incarnation: options.incarnation }, options.limits);
    this.#nextNumber = options.outbox.last + 1;
    this.#backlog = options.outbox.count;
  }

  set layout(number: number) {
    this.#layout = number;
  }

  /** QoS 0 entries that were dropped here since the start. */
  get droppedQos0(): number {
    return this.#droppedQos0;
  }

  /** Whether the outbox holds anything that was not answered. */
  get hasRows(): boolean {
    return this.#outbox.count > 0;
  }

  /** Nothing waits to leave, or for its answer. */
  get isQuiet(): boolean {
    const isUnsent = this.#backlog > 0 || this.#parked.size > 0 || !this.#gathering.isEmpty;
    return !isUnsent && !this.hasRows && this.#window.flights.length === 0 && this.#answered.length === 0;
  }

  /** Number of the last batch that the outbox took. */
  get lastStored(): number {
    return this.#outbox.last;
  }

  /** The outbox holds a batch with a number up to `end`. */
  owes(end: number): boolean {
    const first = this.hasRows ? this.#outbox.readAfter(0) : undefined;
    return first !== undefined && first.number <= end;
  }

  /** Whether an entry of so many bytes could still be promised. Asked before anything of its message is committed. */
  hasRoom(bytes: number): boolean {
    let unstored = this.#gathering.bytes + bytes;
    for (const flight of this.#window.flights) unstored += flight.unstoredBytes;
    const batches = this.#window.flights.length + Math.ceil(unstored / this.#limits.batchBytes);
    return this.#outbox.hasRoom(batches, unstored);
  }

  /**
   * Appends an entry to the stream. `dropped`: QoS 0 that flow control does not let through. `full`: refuse it (0x97);
   * nothing was taken. Always taken are control entries and what comes of a durable batch: it was promised elsewhere, so
   * ask `hasRoom` before such a batch is let in.
   */
  enqueue(entry: KnownEntry, nowMs: number, options: EnqueueOptions<Token> = {}): "taken" | "dropped" | "full" {
    const fromDurable = options.fromDurable === true;
    const policy = policyOf(entry);
    const isCrowded = this.#gathering.bytes > this.#limits.gatheredBytes;
    if (policy === "drop" && (isCrowded || this.#isBehind)) {
      this.#droppedQos0 += 1;
      return "dropped";
    }
    const bytes = packEntry(entry);
    if (policy === "give-up" && isCrowded) return "full";
    if (policy === "store" && !fromDurable && !this.hasRoom(bytes.length)) return "full";
    const isExactlyOnce = policy === "store" && "qos" in entry && entry.qos === 2;
    // Of a refusal it is waited whether the other shard understands it.
    const commitIsVerdict = isExactlyOnce && entry.kind !== "share-refusal";
    const durable = isExactlyOnce || (policy === "store" && fromDurable);
    this.#gathering.push({ ordinal: 0, bytes, policy, durable, commitIsVerdict, atMs: nowMs, token: options.token });
    return "taken";
  }

  get #isBehind(): boolean {
    return this.#unreachable || this.#backlog > 0;
  }

  /** One turn: budgets, storage, new batches, calls. Runs inside the commit that its outbox rows belong to. */
  flush(nowMs: number): SenderFlush<Token> {
    const resolved = [...this.#giveUp(nowMs), ...this.#storeOverdue(nowMs)];
    for (const flight of this.#answered) if (flight.row !== undefined) this.#outbox.release(flight.row);
    this.#answered = [];
    this.#load(nowMs);
    resolved.push(...this.#makeBatches(nowMs));
    return { calls: this.#window.dueCalls(this.#layout, this.#unreachable, nowMs), resolved };
  }

  /** When `flush` has something to do, in epoch ms; `undefined` while there is nothing to wait for but answers. */
  nextFlushMs(nowMs: number): number | undefined {
    const { ages } = this.#gathering;
    const mayLeave = this.#window.hasRoom && (this.#backlog > 0 || !this.#gathering.isEmpty);
    if (mayLeave || this.#answered.some((flight) => flight.row !== undefined)) return nowMs;
    if (this.#mustStore(nowMs)) return nowMs;
    let next = this.#window.nextDueMs(this.#unreachable);
    for (const { storableSinceMs, givableSinceMs } of [ages, ...this.#waiting().map((flight) => flight.ages)]) {
      next = Math.min(next, (storableSinceMs ?? Infinity) + this.#limits.deliverBudgetMs);
      next = Math.min(next, (givableSinceMs ?? Infinity) + this.#limits.publishBudgetMs);
    }
    return next === Infinity ? undefined : next;
  }

  #waiting(): Flight<Token>[] {
    return [...this.#window.flights, ...this.#parked.values()];
  }

  #giveUp(nowMs: number): Resolved<Token>[] {
    const sinceMs = this.#shedding ? nowMs : nowMs - this.#limits.publishBudgetMs;
    this.#shedding = false;
    const overdue = this.#waiting().filter((flight) => (flight.ages.givableSinceMs ?? Infinity) <= sinceMs);
    if (overdue.length > 0) this.#unreachable = true;
    const resolved = overdue.flatMap((flight) => flight.giveUp());
    for (const { token } of this.#gathering.giveUp(sinceMs)) {
      if (token !== undefined) resolved.push({ token, outcome: { kind: "no-verdict" } });
    }
    return resolved;
  }

  /** When the first batch is overdue all go to the outbox, and from then on each new one: so their order stays. */
  #storeOverdue(nowMs: number): Resolved<Token>[] {
    const { flights } = this.#window;
    if (!flights.some((flight) => this.#isStoreOverdue(flight.ages.storableSinceMs, nowMs))) return [];
    this.#unreachable = true;
    const storable = flights.filter((flight) => flight.ages.storableSinceMs !== undefined);
    return storable.flatMap((flight) => this.#store(flight, "all"));
  }

  #isStoreOverdue(sinceMs: number | undefined, nowMs: number): boolean {
    return sinceMs !== undefined && sinceMs <= nowMs - this.#limits.deliverBudgetMs;
  }

  #store(flight: Flight<Token>, answers: "commit-is-verdict" | "all"): Resolved<Token>[] {
    if (flight.row === undefined) {
      if (flight.durable) this.#storeThoseBefore(flight);
      this.#outbox.append(flight.store());
    }
    return flight.onStored(answers);
  }

  /** After a crash only rows are left. What came before a row in the order of its class must not come after it then. */
  #storeThoseBefore(durable: Flight<Token>): void {
    for (const flight of this.#window.flights) {
      if (flight.number < durable.number && flight.isOrdered) this.#outbox.append(flight.store());
    }
  }

  /** Brings rows of the outbox into the window, in order. */
  #load(nowMs: number): void {
    while (this.#backlog > 0 && this.#window.hasRoom) {
      const row = this.#outbox.readAfter(this.#window.highest);
      if (row === undefined) throw new Error("the outbox counts more rows than it has");
      const waiting = this.#parked.get(row.number)?.waiting() ?? [];
      this.#parked.delete(row.number);
      this.#backlog -= 1;
      this.#window.launch(new Flight(row.number, row.durable, waiting, row), nowMs);
    }
  }

  #makeBatches(nowMs: number): Resolved<Token>[] {
    const resolved: Resolved<Token>[] = [];
    while (!this.#gathering.isEmpty) {
      const isDirect = this.#backlog === 0 && this.#window.hasRoom;
      if (!isDirect && !this.#mustStore(nowMs)) break;
      const items = this.#gathering.take(this.#limits.batchBytes);
      const durable = items.some((item) => item.durable);
      const flight = new Flight(this.#nextNumber++, durable, items);
      resolved.push(...(isDirect ? this.#sendDirectly(flight, nowMs) : this.#park(flight)));
    }
    return resolved;
  }

  /** A batch with QoS 2 in it is stored before it leaves; any that may be, while the other shard does not answer. */
  #sendDirectly(flight: Flight<Token>, nowMs: number): Resolved<Token>[] {
    this.#window.launch(flight, nowMs);
    if (this.#unreachable && flight.ages.storableSinceMs !== undefined) return this.#store(flight, "all");
    return flight.durable ? this.#store(flight, "commit-is-verdict") : [];
  }

  /** Stores the batch behind the others. What it holds leaves memory, but for those who wait for a verdict. */
  #park(flight: Flight<Token>): Resolved<Token>[] {
    this.#droppedQos0 += flight.dropQos0();
    const resolved = this.#store(flight, "all");
    this.#backlog += 1;
    const waiting = flight.waiting();
    if (waiting.length > 0)
      this.#parked.set(flight.number, new Flight(flight.number, flight.durable, waiting, flight.row));
    return resolved;
  }

  /** Whether a batch is stored although it cannot leave now. */
  #mustStore(nowMs: number): boolean {
    const { storableSinceMs } = this.#gathering.ages;
    if (this.#gathering.hasDurable) return true;
    if (storableSinceMs === undefined) return false;
    const isCrowded = this.#gathering.bytes > this.#limits.gatheredBytes;
    return this.#unreachable || isCrowded || this.#isStoreOverdue(storableSinceMs, nowMs);
  }

  /** The call was answered. Gives who is told what; a flush should follow where `nextFlushMs` says so. */
  onAnswer(id: CallId, bytes: Uint8Array, nowMs: number): readonly Resolved<Token>[] {
    const flight = this.#window.find(id);
    if (flight === undefined) return [];
    const answer = unpackAnswer(bytes);
    if (answer?.kind === "verdicts") {
      this.#onAnswered(flight, nowMs);
      return flight.onVerdicts(answer.items);
    }
    if (answer?.kind === "resend-from") {
      flight.onFateUnknown(); // perhaps it is held there
      this.#window.onMissing(id, answer.n, nowMs);
    } else if (answer?.kind === "restart") this.#window.onUnknown(id, nowMs);
    else this.#window.onFailure(flight, true, nowMs);
    return [];
  }

  #onAnswered(flight: Flight<Token>, nowMs: number): void {
    this.#window.remove(flight);
    this.#answered.push(flight);
    // The other shard is back: what was not tried while it was away leaves now.
    if (this.#unreachable) this.#window.hurry(nowMs);
    this.#unreachable = false;
  }

  /** The call failed. `retryable`: false where the other shard asked for less load (an overloaded object). */
  onFailure(id: CallId, retryable: boolean, nowMs: number): void {
    const flight = this.#window.find(id);
    if (flight === undefined) return;
    this.#window.onFailure(flight, retryable, nowMs);
    if (!retryable) this.#shedding = true;
  }
}
