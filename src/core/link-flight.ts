// One batch at the sender of a link, from when it is made until it is answered.

import type { ItemVerdict, Verdict } from "./link-answer.ts";
import { packItems } from "./link-batch.ts";
import { agesOf, type Ages, type Item } from "./link-gathering.ts";
import type { StoredBatch } from "./outbox.ts";

/**
 * What becomes of an entry, told once per token.
 * - `verdict`: the other shard has decided.
 * - `stored`: it is in the outbox, by this flush's commit, and will be delivered.
 * - `no-verdict`: the budget has passed. It may have been taken or may be yet.
 */
export type Outcome =
  | { readonly kind: "verdict"; readonly verdict: Verdict }
  | { readonly kind: "stored" }
  | { readonly kind: "no-verdict" };

export interface Resolved<Token> {
  readonly token: Token;
  readonly outcome: Outcome;
}

const stored: Outcome = { kind: "stored" };
const noVerdict: Outcome = { kind: "no-verdict" };

const noBytes = new Uint8Array(0);

export class Flight<Token> {
  /** Place in the stream of the present opening. */
  n = 0;
  /** Place among all batches of the link, which the outbox keeps. */
  readonly number: number;
  readonly durable: boolean;
  /** As the outbox has it. */
  row: StoredBatch | undefined;
  attempts = 0;
  /** When it is sent the next time. */
  dueAtMs = 0;
  #items: readonly Item<Token>[];
  /** Of what may be stored. */
  #bytes: number;
  /** Its QoS 0 is in a call of which nothing is known yet. */
  #isQos0Out = false;
  #ages: Ages;

  constructor(number: number, durable: boolean, items: readonly Item<Token>[], row?: StoredBatch) {
    this.number = number;
    this.durable = durable;
    this.row = row;
    this.#items = items;
    this.#bytes = bytesOf(items);
    this.#ages = agesOf(items);
  }

  get ages(): Readonly<Ages> {
    return this.#ages;
  }

  /** Nothing in it that anybody would miss: it holds its place in the stream. */
  get isEmpty(): boolean {
    return this.row === undefined && this.#items.length === 0;
  }

  /** Holds messages of QoS ≥ 1 and no row. */
  get isOrdered(): boolean {
    return this.row === undefined && this.#items.some((item) => item.policy === "store" || item.policy === "give-up");
  }

  /** What the outbox would have to take. */
  get unstoredBytes(): number {
    return this.row === undefined ? this.#bytes : 0;
  }

  get isQos0Out(): boolean {
    return this.#isQos0Out;
  }

  /** Packed items for a call that leaves now. The first carries QoS 0 too, a repeat does not: it may have arrived. */
  send(): Uint8Array {
    this.attempts += 1;
    if (this.#isQos0Out) this.dropQos0();
    this.#isQos0Out = this.#items.some((item) => item.policy === "drop");
    return this.row !== undefined && !this.#isQos0Out ? this.row.items : packItems(this.#items);
  }

  /** The answer to its call says that nothing of it was taken: the next call carries the QoS 0 again. */
  onNotTaken(): void {
    this.#isQos0Out = false;
  }

  /** Nobody will know whether its call arrived. */
  onFateUnknown(): void {
    if (this.#isQos0Out) this.dropQos0();
  }

  /** Gives how many there were. */
  dropQos0(): number {
    const before = this.#items.length;
    this.#isQos0Out = false;
    this.#keep((item) => item.policy !== "drop");
    return before - this.#items.length;
  }

  /** The form in which it is stored; the caller appends it to the outbox in this flush. */
  store(): StoredBatch {
    const items = packItems(this.#items.filter((item) => item.policy !== "drop"));
    this.row = { number: this.number, durable: this.durable, items };
    return this.row;
  }

  /** Answers those for whom the commit of the row is all they wait for, or (`all`) everyone who accepts the row. */
  onStored(which: "commit-is-verdict" | "all"): Resolved<Token>[] {
    const accepts = (item: Item<Token>): boolean =>
      item.policy === "store" && (which === "all" || item.commitIsVerdict);
    const resolved = this.#resolve(accepts, stored);
    // The row is there: from now on only those who still wait for the other shard grow overdue.
    const waiting = agesOf(this.#items.filter((item) => item.token !== undefined));
    this.#ages = { ...this.#ages, storableSinceMs: waiting.storableSinceMs };
    return resolved;
  }

  /** The budget has passed: who could give up has no verdict, and where no row promises it the entry goes too. */
  giveUp(): Resolved<Token>[] {
    const resolved = this.#resolve((item) => item.policy === "give-up", noVerdict);
    if (this.row === undefined) this.#keep((item) => item.policy !== "give-up");
    this.#ages = { ...this.#ages, givableSinceMs: undefined };
    return resolved;
  }

  /** Who waits, with what was answered; what the answer does not list was taken. */
  onVerdicts(verdicts: readonly ItemVerdict[]): Resolved<Token>[] {
    const byOrdinal = new Map(verdicts.map((item) => [item.ordinal, item.verdict]));
    return this.#items.flatMap(({ ordinal, token }) => {
      if (token === undefined) return [];
      return [{ token, outcome: { kind: "verdict", verdict: byOrdinal.get(ordinal) ?? "taken" } }];
    });
  }

  /** Those who still wait, without the bytes: what stays in memory of a batch that lies in the outbox. */
  waiting(): Item<Token>[] {
    return this.#items.filter((item) => item.token !== undefined).map((item) => ({ ...item, bytes: noBytes }));
  }

  #resolve(accepts: (item: Item<Token>) => boolean, outcome: Outcome): Resolved<Token>[] {
    const resolved: Resolved<Token>[] = [];
    this.#items = this.#items.map((item) => {
      if (item.token === undefined || !accepts(item)) return item;
      resolved.push({ token: item.token, outcome });
      return { ...item, token: undefined };
    });
    return resolved;
  }

  #keep(wanted: (item: Item<Token>) => boolean): void {
    this.#items = this.#items.filter(wanted);
    this.#bytes = bytesOf(this.#items);
  }
}

const bytesOf = (items: readonly Item<unknown>[]): number =>
  items.reduce((sum, { policy, bytes }) => (policy === "drop" ? sum : sum + bytes.length), 0);
