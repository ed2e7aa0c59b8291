// What the sessions need of the log no more: told since the start, or asked of the progress pages.

import type { Position, SessionNumber } from "./brand.ts";

/** What a session had acknowledged when last asked; `undefined`: there is no such session. */
export type AcknowledgedTo = (session: SessionNumber) => Position | undefined;

export class LogReleases {
  #acknowledgedTo: AcknowledgedTo | undefined;
  readonly #told = new Map<SessionNumber, number>();
  #forgotten: SessionNumber[] = [];

  recover(acknowledgedTo: AcknowledgedTo): void {
    this.#acknowledgedTo = acknowledgedTo;
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

  raise(session: SessionNumber, to: number): void {
    this.#told.set(session, to);
  }

  forget(session: SessionNumber): void {
    this.#told.set(session, Infinity);
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
}
