// What a receiver answers to a batch of a link, and its packed format.

import { PackedReader, PackedWriter } from "./packed.ts";

const version = 1;

/**
 * - `matched`, `none`: a message was taken, and somebody wants it or nobody does.
 * - `taken`: anything else that was taken, and what a receiver took in an earlier life.
 * - `quota-exceeded`: not taken, a limit stands against it.
 * - `not-understood`: not taken, an entry of a newer version.
 */
export type Verdict = "taken" | "matched" | "none" | "quota-exceeded" | "not-understood";

const verdictCodes = {
  taken: 0,
  matched: 1,
  none: 2,
  "quota-exceeded": 3,
  "not-understood": 4,
} as const satisfies Record<Verdict, number>;

const verdicts = Object.keys(verdictCodes) as readonly Verdict[];

export interface ItemVerdict {
  readonly ordinal: number;
  readonly verdict: Verdict;
}

export type LinkAnswer =
  /** The batch is taken and everything in it decided; an entry that is not listed is `taken`. */
  | { readonly kind: "verdicts"; readonly items: readonly ItemVerdict[] }
  /** The batch came early, perhaps it is held; `n` is the one that is missed. */
  | { readonly kind: "resend-from"; readonly n: number }
  /** Nothing is known of this incarnation: start over at 1 with everything unanswered. */
  | { readonly kind: "restart" }
  /** The batch has a format that this version cannot read. */
  | { readonly kind: "unreadable" }
  /** The batch was sent under a lower layout; nothing was taken. */
  | { readonly kind: "layout"; readonly layout: number };

const answerCodes = {
  verdicts: 1,
  "resend-from": 2,
  restart: 3,
  unreadable: 4,
  layout: 5,
} as const satisfies Record<LinkAnswer["kind"], number>;

export function packAnswer(answer: LinkAnswer): Uint8Array<ArrayBuffer> {
  const to = new PackedWriter(16).byte(version).byte(answerCodes[answer.kind]);
  if (answer.kind === "resend-from") to.uint(answer.n);
  if (answer.kind === "layout") to.uint(answer.layout);
  if (answer.kind === "verdicts") writeVerdicts(to, answer.items);
  return to.finish();
}

function writeVerdicts(to: PackedWriter, items: readonly ItemVerdict[]): void {
  to.uint(items.length);
  for (const item of items) to.uint(item.ordinal).byte(verdictCodes[item.verdict]);
}

/** Gives `undefined` for an answer that this version cannot read: treat it as a failed call. */
export function unpackAnswer(bytes: Uint8Array): LinkAnswer | undefined {
  const from = new PackedReader(bytes);
  if (from.byte() > version) return undefined;
  switch (from.byte()) {
    case answerCodes.verdicts:
      return { kind: "verdicts", items: readVerdicts(from) };
    case answerCodes["resend-from"]:
      return { kind: "resend-from", n: from.uint() };
    case answerCodes.restart:
      return { kind: "restart" };
    case answerCodes.unreadable:
      return { kind: "unreadable" };
    case answerCodes.layout:
      return { kind: "layout", layout: from.uint() };
    default:
      return undefined;
  }
}

/** A verdict of a newer version says nothing here that could be promised on: it counts as not understood. */
const readVerdicts = (from: PackedReader): ItemVerdict[] =>
  Array.from({ length: from.uint() }, () => ({
    ordinal: from.uint(),
    verdict: verdicts[from.byte()] ?? "not-understood",
  }));
