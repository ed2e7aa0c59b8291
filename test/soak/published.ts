// One message as the harness knows it: when the broker may have taken it, and by when it must have.

/** A moment in the order in which this process saw things. */
export type Tick = number;
export const never = Number.POSITIVE_INFINITY;

export type QoS = 0 | 1 | 2;

export interface Published {
  /** Its payload, and unlike any other; a message that clears a retained one has an empty payload all the same. */
  readonly name: string;
  readonly topicName: string;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly clears: boolean;
  /** Client id. */
  readonly publisher: string;
  /** Rises with each message of the client. */
  readonly sequence: number;
  readonly isWill: boolean;
  /** Nobody may get it: the access rules forbid to publish it, or it is a will that was taken back. */
  isDenied: boolean;
  /** A will whose connection has not ended: it may be published at any time, and is not over before. */
  isOpen: boolean;
  /** It was not taken before. */
  readonly sentAt: Tick;
  /** Who was subscribed by then must get it: `sentAt`, or for a will when its connection was lost. */
  dueFrom: Tick;
  /** PUBACK or PUBREC has come. */
  ackedAt: Tick;
  /** It was taken before, or never will be. */
  takenBy: Tick;
  /** By then it was at the shards of all who were subscribed, or never will be. */
  arrivedBy: Tick;
  /** Its publisher sent it more than once. */
  isSentAgain: boolean;
  /** When a client last got or answered it, by this process's clock. */
  lastSeenMs: number;
  /** So many settlements ago that it may come to nobody any more, but for what a crash makes a session repeat. */
  isOver: boolean;
}
