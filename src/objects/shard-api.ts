// What the Worker may ask of a shard over RPC. Structured-clonable values only: neighbouring versions must understand
// each other, so fields are added, never renamed.

import type { MessageProperties, QoS } from "../core/packet.ts";
import type { Layout } from "../core/placement.ts";
import type { PublishOutcome } from "../core/publish-outcome.ts";
import type { ReasonCode } from "../core/reason-code.ts";
import type { TransferAnswer, TransferRequest } from "./shard-transfer.ts";

export type { PublishOutcome } from "../core/publish-outcome.ts";

/** One message from a back end. The topic name was checked by the caller and is checked again by the shard. */
export interface PublishRequest {
  readonly topicName: string;
  readonly payload: Uint8Array;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly properties?: MessageProperties;
  /** Who publishes: it has a rate as a client of MQTT has. */
  readonly publisher?: string;
}

/** An idempotency key and what it stands for. */
export interface KeyClaim {
  /** Whose key it is, and the key. */
  readonly key: string;
  /** A hash of everything the caller asks for under the key. */
  readonly fingerprint: Uint8Array;
  /** A name for the answer; repeats get the name that the first claim brought. */
  readonly answerId: string;
}

/**
 * - `answered`: by this call, or (`isReplayed`) by an earlier one; then nothing was published now.
 * - `running`: another call runs under this key.
 * - `mismatch`: the key stands for something else.
 * - `refused`: no room for another key.
 */
export type OnceAnswer =
  | {
      readonly kind: "answered";
      readonly answerId: string;
      readonly isReplayed: boolean;
      readonly outcomes: readonly PublishOutcome[];
    }
  | { readonly kind: "running" }
  | { readonly kind: "mismatch" }
  | { readonly kind: "refused"; readonly reasonCode: ReasonCode; readonly detail: string; readonly limit?: string };

/** `claimed`: the caller publishes, and then says `finish`. */
export type ClaimAnswer = OnceAnswer | { readonly kind: "claimed"; readonly answerId: string };

export interface RetainedValue {
  readonly topicName: string;
  readonly payload: Uint8Array;
  readonly qos: QoS;
  readonly properties?: MessageProperties;
  /** Epoch ms of the publish. */
  readonly publishedAtMs: number;
  /** Seconds left, where the message expires. */
  readonly messageExpiryIntervalSec?: number;
}

/** Counters and gauges of one shard, by name; the Worker adds those of all shards. */
export interface ShardMetrics {
  /** Rising since the shard started: `name` or `name{label="value"}` → value. */
  readonly counters: Readonly<Record<string, number>>;
  readonly gauges: Readonly<Record<string, number>>;
}

export interface ShardApi {
  /** In order; resolves when every message is where a PUBACK would promise it to be. */
  publish(requests: readonly PublishRequest[]): Promise<readonly PublishOutcome[]>;
  /** As `publish`, once under the key: key, messages and answer are committed together. */
  publishOnce(requests: readonly PublishRequest[], claim: KeyClaim): Promise<OnceAnswer>;
  /** For a publish that has other owners too: commits the claim of the key. */
  claim(claim: KeyClaim): Promise<ClaimAnswer>;
  /** Ends a claim with what the owners answered; `null` where one of them did not, so that a repeat asks them again. */
  finish(claim: KeyClaim, outcomes: readonly PublishOutcome[] | null): Promise<void>;
  readRetained(topicName: string): Promise<RetainedValue | null>;
  /**
   * Closes the connection of a client that lives on this shard, with DISCONNECT 0x98 where it speaks MQTT 5. False where
   * it has none.
   */
  disconnectClient(clientId: string): Promise<boolean>;
  /** A backup's question, by the layout that it was made for: refused where that is in force no more. */
  transfer(request: TransferRequest, layout: Layout): Promise<TransferAnswer>;
  /** The process is about to end: MQTT 5 clients are told 0x8B, every connection is closed, sessions and wills stay. */
  shutDown(): Promise<void>;
  metrics(): Promise<ShardMetrics>;
  /** Resolves when an upgrade and a publish would be served. */
  ready(): Promise<void>;
}
