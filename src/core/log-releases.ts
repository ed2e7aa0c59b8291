// What the sessions need of the log no more: told since the start, or asked of the progress pages.

import type { Position, SessionNumber } from "./brand.ts";
import { PositionRanges, type PositionRange } from "./position-ranges.ts";

/** What a session had acknowledged when last asked; `undefined`: there is no such session. */
export type AcknowledgedTo = (session: SessionNumber) => Position | undefined;
/** What it had acknowledged beyond that, out of order. */
export type AcknowledgedRanges = (session: SessionNumber) => readonly PositionRange[];

const noRanges: AcknowledgedRanges = () => [];

export class LogReleases {
  #acknowledgedTo: AcknowledgedTo | undefined;
  #acknowledged: AcknowledgedRanges = noRanges;
  readonly #told = new Map<SessionNumber, number>();
  /** Of sessions that released something out of order. */
  readonly #ranges = new Map<SessionNumber, PositionRanges>();
  #forgotten: SessionNumber[] = [];

  recover(acknowledgedTo: AcknowledgedTo, acknowledged: AcknowledgedRanges = noRanges): void {
    this.#acknowledgedTo = acknowledgedTo;
    this.#acknowledged = acknowledged;
    for (const [session, ranges] of this.#ranges) {
      for (const [from, to] of acknowledged(session)) ranges.addRange(from, to);
    }
  }

  /** Up to where the session has released everything; `undefined` where nobody knows. */
  known(session: SessionNumber): number | undefined {
    return this.#told.get(session) ?? this.#acknowledgedTo?.(session);
  }

  /** The same for a session that a chunk names: 0 where nobody knows, Infinity where the session is gone. */
  readonly of = (session: SessionNumber): number => {
    const told = this.#told.get(session) ?? 0;
    if (told === Infinity || this.#acknowledgedTo === undefined) return told;
    const acknowledged = this.#acknowledgedTo(session);
    return acknowledged === undefined ? Infinity : Math.max(told, acknowledged);
  };

  /** The session has released all of these positions, both ends included. */
  isThrough(session: SessionNumber, first: Position, last: Position): boolean {
    if ((this.#told.get(session) ?? 0) >= last) return true;
    const released = this.of(session);
    if (released >= last) return true;
    const end = this.#rangesOf(session)?.endOf(Math.max(released + 1, first));
    return end !== undefined && end >= last;
  }

  /** It has released some of them out of order. */
  hasRangesIn(session: SessionNumber, first: Position, last: Position): boolean {
    return this.#rangesOf(session)?.touches(first, last) ?? false;
  }

  /** The last position of the out-of-order range that holds this one; `undefined` where none does. */
  endOfRange(session: SessionNumber, position: Position): Position | undefined {
    return this.#rangesOf(session)?.endOf(position);
  }

  raise(session: SessionNumber, to: number): void {
    this.#told.set(session, to);
    const ranges = this.#ranges.get(session);
    ranges?.dropUpTo(to as Position);
    if (ranges?.count === 0) this.#ranges.delete(session);
  }

  /** False where that was known. */
  addRange(session: SessionNumber, from: Position, to: Position): boolean {
    if (to <= this.of(session)) return false;
    const known = this.#rangesOf(session);
    if (known !== undefined) return known.addRange(from, to);
    this.#ranges.set(session, new PositionRanges([[from, to]]));
    return true;
  }

  forget(session: SessionNumber): void {
    this.#told.set(session, Infinity);
    this.#ranges.delete(session);
    this.#forgotten.push(session);
  }

  /** Ended sessions need no mark once the table of sessions does not know them either. */
  tidy(): void {
    if (this.#forgotten.length === 0 || this.#acknowledgedTo === undefined) return;
    const isKnown = this.#acknowledgedTo;
    this.#forgotten = this.#forgotten.filter((session) => {
      if (isKnown(session) !== undefined) return true;
      this.#told.delete(session);
      return false;
    });
  }

  /** Asked once and kept: what comes later is told. */
  #rangesOf(session: SessionNumber): PositionRanges | undefined {
    const kept = this.#ranges.get(session);
    if (kept !== undefined || this.#told.get(session) === Infinity) return kept;
    const acknowledged = this.#acknowledged(session);
    if (acknowledged.length === 0) return undefined;
    const ranges = new PositionRanges(acknowledged);
    ranges.dropUpTo(this.of(session) as Position);
    if (ranges.count === 0) return undefined;
    this.#ranges.set(session, ranges);
    return ranges;
  }
}
