// What a shard counts, for metrics and `$SYS`. Rising since the shard's memory began.

export type DropReason =
  | "queue_full"
  | "slow_consumer"
  | "expired"
  | "not_authorized"
  | "packet_too_large"
  | "payload_format_invalid"
  | "session_ended"
  | "retained_quota"
  | "rate_limited"
  | "link_unavailable";

export class Counters {
  /** PUBLISH packets by QoS. */
  readonly publishReceived: [number, number, number] = [0, 0, 0];
  readonly publishSent: [number, number, number] = [0, 0, 0];
  packetsReceived = 0;
  packetsSent = 0;
  bytesReceived = 0;
  /** As they are billed: one may hold many packets, or a part of one. */
  webSocketMessagesReceived = 0;
  /** Upgrades, and calls of the Worker and of other shards; readings of metrics and health are not counted. */
  requestsReceived = 0;
  bytesSent = 0;
  connectsAccepted = 0;
  connectsRefused = 0;
  /** Messages published over HTTP or by another Worker. */
  publishedOverHttp = 0;
  willsPublished = 0;
  /** Retained messages that went because their Message Expiry Interval had passed. */
  retainedExpired = 0;
  /** Commits that storage never confirmed, since the process began: each ended the shard's memory. */
  commitsFailed = 0;
  publishDenied = 0;
  /** Of MQTT 3, over a rate: taken, and acknowledged late. */
  publishDelayed = 0;
  subscribeDenied = 0;
  readonly #dropped = new Map<DropReason, number>();

  /** `bytes`: of MQTT; a text frame has none. */
  onWebSocketMessage(bytes: number): void {
    this.webSocketMessagesReceived += 1;
    this.bytesReceived += bytes;
  }

  drop(reason: DropReason, count = 1): void {
    this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + count);
  }

  get dropped(): ReadonlyMap<DropReason, number> {
    return this.#dropped;
  }
}
