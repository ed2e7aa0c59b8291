// A subscription of one session.

import type { TopicFilter } from "./brand.ts";
import type { QoS } from "./packet.ts";

export interface Subscription {
  /** As the client wrote it, with `$share/{group}/` where it has that: the key within its session [MQTT-3.8.4-3]. */
  readonly filter: string;
  /** The part that is matched. */
  readonly topicFilter: TopicFilter;
  readonly shareName?: string;
  /** Unique within the session, never reused: a late message for an ended subscription is told apart. */
  readonly number: number;
  /** Granted. */
  readonly qos: QoS;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  readonly retainHandling: 0 | 1 | 2;
  readonly subscriptionIdentifier?: number;
}
