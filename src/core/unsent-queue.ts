// The unsent entries of a stored session whose client is on line: how many they are, and which of them go where they
// pass the queue limit. What was sent is not here and never goes.

import type { Position } from "./brand.ts";
import type { Broker } from "./broker.ts";
import type { Connection } from "./connection.ts";
import type { LimitName } from "./limits.ts";
import type { LogEntry } from "./message-log.ts";
import { messageSize } from "./message-size.ts";
import type { Message } from "./packet.ts";
import { dropQueued, passedQueueLimit, queueIsFull } from "./queue-overflow.ts";
import type { Session } from "./session.ts";

export interface UnsentQueuePort {
  readonly broker: Broker;
  readonly connection: Connection;
  readonly session: Session;
  /** The first own entry after a position that is not done. */
  nextUndone(after: Position): LogEntry | undefined;
  /** Own entries between these positions, both included, were dropped. */
  onDropped(from: Position, to: Position): void;
}

export class UnsentQueue {
  readonly #port: UnsentQueuePort;
  #count = 0;
  #bytes = 0;
  /** Entries up to here were dropped for the limit. */
  #droppedTo = 0 as Position;
  /** The client is about to be disconnected. */
  #isToEnd = false;

  constructor(port: UnsentQueuePort) {
    this.#port = port;
  }

  add(bytes: number): void {
    this.#count += 1;
    this.#bytes += bytes;
  }

  remove(bytes: number): void {
    this.#count -= 1;
    this.#bytes -= bytes;
  }

  clear(): void {
    this.#count = 0;
    this.#bytes = 0;
  }

  /** Takes over what waits when the client comes back, and brings it within the limit. */
  begin({ count, bytes }: { readonly count: number; readonly bytes: number }, lastSent: Position): void {
    this.#count = count;
    this.#bytes = bytes;
    if (this.#port.broker.options.queueOverflow === "drop-newest") this.#dropNewest(lastSent);
    else this.#dropOldest(lastSent);
  }

  /** After `add`: where the oldest make room, they go. */
  relieve(lastSent: Position): void {
    if ((this.#port.broker.options.queueOverflow ?? "drop-oldest") === "drop-oldest") this.#dropOldest(lastSent);
  }

  /** Before a message is appended that would not be sent at once. False: its audience is without this session. */
  admits(message: Message): boolean {
    const { broker, connection } = this.#port;
    const limit = passedQueueLimit(broker.limits, this.#count + 1, this.#bytes + messageSize(message));
    if (limit === undefined) return true;
    if (broker.options.queueOverflow === "disconnect") {
      if (!this.#isToEnd) broker.effects.endSoon(connection, queueIsFull(limit));
      this.#isToEnd = true;
      return true;
    }
    broker.dropped(connection, message, "queue_full", limit);
    return false;
  }

  #limitNow(): LimitName | undefined {
    return passedQueueLimit(this.#port.broker.limits, this.#count, this.#bytes);
  }

  #dropOldest(lastSent: Position): void {
    const { broker, connection } = this.#port;
    const before = Math.max(lastSent, this.#droppedTo) as Position;
    let after = before;
    for (let limit = this.#limitNow(); limit !== undefined; limit = this.#limitNow()) {
      const entry = this.#port.nextUndone(after);
      if (entry === undefined) break;
      after = entry.position;
      this.remove(entry.size);
      broker.dropped(connection, entry.message, "queue_full", limit);
    }
    if (after === before) return;
    this.#droppedTo = after;
    this.#port.onDropped((before + 1) as Position, after);
  }

  /** The first that fits no more goes, and all behind it: so what goes is one range, however long it is. */
  #dropNewest(lastSent: Position): void {
    if (this.#limitNow() === undefined) return;
    const { broker, session } = this.#port;
    const before = this.#count;
    this.clear();
    let keptTo = lastSent;
    for (let entry = this.#port.nextUndone(keptTo); entry !== undefined; entry = this.#port.nextUndone(keptTo)) {
      const limit = passedQueueLimit(broker.limits, this.#count + 1, this.#bytes + entry.size);
      if (limit !== undefined) {
        dropQueued(broker, session.clientId, limit, before - this.#count);
        this.#port.onDropped((keptTo + 1) as Position, broker.log.end);
        return;
      }
      this.add(entry.size);
      keptTo = entry.position;
    }
  }
}
