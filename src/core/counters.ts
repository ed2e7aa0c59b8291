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
  | "link_unavailable";

export class Counters {
  /** PUBLISH packets by QoS. */
  readonly publishReceived: [number, number, number] = [0, 0, 0];
  readonly publishSent: [number, number, number] = [0, 0, 0];
  packetsReceived = 0;
  packetsSent = 0;
  bytesReceived = 0;
  bytesSent = 0;
  connectsAccepted = 0;
  connectsRefused = 0;
  /** Messages published over HTTP or by another Worker. */
  publishedOverHttp = 0;
  willsPublished = 0;
  publishDenied = 0;
  subscribeDenied = 0;
  readonly #dropped = new Map<DropReason, number>();

  drop(reason: DropReason, count = 1): void {
    this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + count);
  }

  get dropped(): ReadonlyMap<DropReason, number> {
    return this.#dropped;
  }
}
