// How far a stored session may be sent to before that is written: what a crash finds there counts as sent and carries
// DUP [MQTT-3.3.1-1]. It is written ahead, with progress that is written anyway wherever that is possible: a client that
// keeps up costs no row, for all that lies in the log was sent to it, but for a bounded number of messages that wait.

import type { Position, SessionNumber } from "./brand.ts";
import type { MessageLog } from "./message-log.ts";

/** Everything that a crash finds in the log. */
export const wholeLog = Infinity as Position;

/** Own entries that a client which has fallen behind may be sent until the next write; no more can get DUP wrongly. */
const entriesAhead = 32;

export class SentReservation {
  readonly #log: MessageLog;
  readonly #session: SessionNumber;
  #to: Position;
  /** Own entries that have come, and were not sent at once, since the client was last caught up. */
  #waiting = 0;

  /** `to`: as it is stored. */
  constructor(log: MessageLog, session: SessionNumber, to: Position) {
    this.#log = log;
    this.#session = session;
    this.#to = to;
  }

  covers(position: Position): boolean {
    return position <= this.#to;
  }

  /**
   * An own entry was not sent at once; `isFirst`: up to it the client was caught up. True where so many have come that
   * they must not all count as sent: to be written.
   */
  onWaiting(isFirst: boolean): boolean {
    this.#waiting = isFirst ? 1 : this.#waiting + 1;
    return this.#to === wholeLog && this.#waiting > entriesAhead;
  }

  /** The progress is about to be written: gives the reservation that goes with it. */
  renew(isCaughtUp: boolean, lastSent: Position): Position {
    if (isCaughtUp) this.#to = wholeLog;
    else if (this.#to === wholeLog || this.#to <= lastSent) this.#to = this.#ahead(lastSent);
    return this.#to;
  }

  #ahead(lastSent: Position): Position {
    let to = lastSent;
    for (let left = entriesAhead; left > 0; left -= 1) {
      const entry = this.#log.next(this.#session, to);
      if (entry === undefined) return this.#log.end;
      to = entry.position;
    }
    return to;
  }
}
