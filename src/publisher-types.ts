// What another Worker sees of the broker over a service binding. Imports nothing: a project that binds the broker can
// take this file as it is.

export interface PublishOptions {
  /** 0 by default. */
  readonly qos?: 0 | 1 | 2;
  /** `false` by default. With an empty payload it clears the topic's retained value. */
  readonly retain?: boolean;
  /** `default` by default. */
  readonly namespace?: string;
  /**
   * At most 255 printable ASCII characters. A repeat within 24 hours under the same key gets the first answer and
   * publishes nothing.
   */
  readonly idempotencyKey?: string;
  /** 1: the payload is UTF-8, and is checked. */
  readonly payloadFormatIndicator?: 0 | 1;
  /** Seconds. */
  readonly messageExpiryIntervalSec?: number;
  readonly contentType?: string;
  /** A topic name. */
  readonly responseTopic?: string;
  readonly correlationData?: Uint8Array | ArrayBuffer;
  /** In this order; a name may come more than once. */
  readonly userProperties?: readonly (readonly [name: string, value: string])[];
}

export type PublishResult =
  /**
   * `accepted`: delivered, queued or retained; stored wherever an MQTT PUBACK would promise it.
   * `no-matching-subscribers`: taken, and nobody wants it. `id` is for the caller's own records.
   */
  | {
      readonly outcome: "accepted" | "no-matching-subscribers";
      readonly id: string;
      /** The answer is that of an earlier call under the same key. */
      readonly isReplayed: boolean;
    }
  /** Nothing was published. `reasonCode` is a reason code of MQTT 5, `reason` its name: 144, `topic_name_invalid`. */
  | {
      readonly outcome: "refused";
      readonly reasonCode: number;
      readonly reason: string;
      readonly detail: string;
    }
  /** The shard did not answer: the message may or may not have been taken. Under a key a repeat publishes it once. */
  | { readonly outcome: "no-verdict" }
  /** Another call under the key is not over yet: ask again in a few seconds. */
  | { readonly outcome: "key-running" }
  /** The key was used for another message. */
  | { readonly outcome: "key-mismatch" };

/** The type of the binding. */
export interface PublisherBinding {
  /**
   * Publishes one message. Rejects only where the broker's Worker itself cannot be reached.
   * @param topic a topic name, without wildcards; not below `$SYS`
   * @param payload text is sent as UTF-8
   */
  publish(topic: string, payload: string | Uint8Array | ArrayBuffer, options?: PublishOptions): Promise<PublishResult>;
}
