// What happens to a message of QoS 1 or 2 for which a session's queue has no room (`QUEUE_OVERFLOW`).

import type { Broker } from "./broker.ts";
import type { ClientId } from "./brand.ts";
import type { LimitName, Limits } from "./limits.ts";
import { reasonCode } from "./reason-code.ts";
import { limitPassed, type Violation } from "./violation.ts";

/**
 * `drop-oldest`: it is taken, and the oldest unsent ones go. `drop-newest`: it goes itself. `disconnect`: a client that
 * is on line is disconnected; for one that is away the oldest go, since a queue that only grows helps nobody.
 */
export const queueOverflows = ["drop-oldest", "drop-newest", "disconnect"] as const;
export type QueueOverflow = (typeof queueOverflows)[number];

/** Which limit a queue of this size passes. */
export function passedQueueLimit(limits: Limits, count: number, bytes: number): LimitName | undefined {
  if (count > limits.maximumQueuedMessages) return "maximumQueuedMessages";
  return bytes > limits.maximumQueuedBytes ? "maximumQueuedBytes" : undefined;
}

/** So many messages go at once, counted and told in the log. */
export function dropQueued({ counters, effects }: Broker, clientId: ClientId, limit: LimitName, count: number): void {
  counters.drop("queue_full", count);
  effects.log({ event: "message-dropped", reason: "queue_full", clientId, limit, count });
}

export const queueIsFull = (limit: LimitName): Violation =>
  limitPassed(limit, reasonCode.quotaExceeded, "the client's queue is full");
