// Every limit, in one table: default, unit, and the attack or accident that it stops. `config.ts` lets the variable
// of the same name (in capitals) override the default; `test/` goes over each of them.

export interface Limit {
  readonly default: number;
  /** Largest value that configuration may set: what storage or platform can carry. */
  readonly ceiling: number;
  readonly unit: "bytes" | "count" | "ms" | "s";
  readonly reason: string;
}

const KiB = 1024;
const MiB = 1024 * KiB;

export const limits = {
  maximumPacketSize: {
    default: MiB,
    ceiling: 1536 * KiB, // one message must fit a 2 MB row together with its audience
    unit: "bytes",
    reason: "a packet is buffered whole before it can be judged",
  },
  connectTimeoutMs: {
    default: 10_000,
    ceiling: 60_000,
    unit: "ms",
    reason: "a socket that never says CONNECT holds a descriptor and keeps the object awake",
  },
  maximumClientIdBytes: {
    default: 256,
    ceiling: 4 * KiB,
    unit: "bytes",
    reason: "the client id is in the session's row and in the socket's attachment of 16 KB",
  },
  maximumUsernameBytes: {
    default: 256,
    ceiling: 1 * KiB,
    unit: "bytes",
    reason: "the user name is in the socket's attachment of 16 KB",
  },
  maximumTopicBytes: {
    default: 4 * KiB,
    ceiling: 65_535,
    unit: "bytes",
    reason: "a topic is a key of the retained table and of every index",
  },
  maximumTopicLevels: {
    default: 32,
    ceiling: 256,
    unit: "count",
    reason: "matching walks one step per level, and wildcards branch at each",
  },
  maximumFiltersPerSubscribe: {
    default: 100,
    ceiling: 1_000,
    unit: "count",
    reason: "one packet may not hold the shard for long",
  },
  maximumSubscriptionsPerSession: {
    default: 1_000,
    ceiling: 100_000,
    unit: "count",
    reason: "every subscription is memory in the index and a row or attachment bytes",
  },
  receiveMaximum: {
    default: 32,
    ceiling: 65_535,
    unit: "count",
    reason: "the in-flight window: unacknowledged QoS 1 and 2 messages to one client at a time",
  },
  maximumInboundQos2: {
    default: 1_024,
    ceiling: 65_535,
    unit: "count",
    reason: "packet ids that a client opened by PUBLISH QoS 2 and has not released are kept in storage",
  },
  maximumQueuedMessages: {
    default: 1_000,
    ceiling: 1_000_000,
    unit: "count",
    reason: "unsent messages kept for one session; the oldest go",
  },
  maximumQueuedBytes: {
    default: 8 * MiB,
    ceiling: 1024 * MiB,
    unit: "bytes",
    reason: "unsent bytes kept for one session; the oldest go",
  },
  maximumStoredSessions: {
    default: 20_000,
    ceiling: 100_000,
    unit: "count",
    reason: "the audience of one message must fit a row together with the message",
  },
  maximumRetainedMessages: {
    default: 100_000,
    ceiling: 10_000_000,
    unit: "count",
    reason: "anyone who may publish could fill the storage, one topic at a time",
  },
  maximumRetainedBytes: {
    default: 256 * MiB,
    ceiling: 4096 * MiB,
    unit: "bytes",
    reason: "anyone who may publish could fill the storage",
  },
  maximumIdempotencyKeys: {
    default: 100_000,
    ceiling: 1_000_000,
    unit: "count",
    reason: "each key of a publish over HTTP is a row for 24 hours; beyond, publishes with a new key are refused",
  },
  maximumLogBytes: {
    default: 1024 * MiB,
    ceiling: 8192 * MiB,
    unit: "bytes",
    reason: "messages that wait for off-line sessions share one object's storage of 10 GB",
  },
  maximumSockets: {
    default: 32_000,
    ceiling: 32_768,
    unit: "count",
    reason: "the runtime takes no more than 32,768 hibernatable sockets per object",
  },
  maximumEarlyBytes: {
    default: 64 * KiB,
    ceiling: MiB,
    unit: "bytes",
    reason: "packets that come before the authentication verdict wait in memory",
  },
  slowConsumerSoftBytes: {
    default: 256 * KiB,
    ceiling: 16 * MiB,
    unit: "bytes",
    reason: "unsent bytes of a socket above which QoS 0 is dropped for it",
  },
  slowConsumerHardBytes: {
    default: 4 * MiB,
    ceiling: 64 * MiB,
    unit: "bytes",
    reason: "unsent bytes of a socket above which it is closed: they stay in the object's 128 MB",
  },
  sessionExpiryIntervalSec: {
    default: 7 * 24 * 3600,
    ceiling: 0xffff_ffff,
    unit: "s",
    reason: "lifetime of an off-line stored session of a v3 client, whose protocol cannot ask for one",
  },
  sysIntervalMs: {
    default: 60_000,
    ceiling: 3_600_000,
    unit: "ms",
    reason: "each round of $SYS wakes the object for as long as somebody subscribes to it",
  },
  willGraceMs: {
    default: 20_000,
    ceiling: 3_600_000,
    unit: "ms",
    reason: "after a crash of the shard, how long a client may take to come back before its will is published",
  },
} as const satisfies Record<string, Limit>;

export type LimitName = keyof typeof limits;
export type Limits = { readonly [Name in LimitName]: number };

export const defaultLimits: Limits = Object.fromEntries(
  Object.entries(limits).map(([name, limit]) => [name, limit.default]),
) as Limits;
