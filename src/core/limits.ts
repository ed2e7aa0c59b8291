// Every limit, in one table: default, unit, and the attack or accident that it stops. `config.ts` lets the variable
// of the same name (in capitals) override the default; `test/` goes over each of them.

export interface Limit {
  readonly default: number;
  /** Smallest value that configuration may set; 1 where nothing is said. */
  readonly floor?: 0;
  /** Largest value that configuration may set: what storage or platform can carry. */
  readonly ceiling: number;
  readonly unit: "bytes" | "bytes/s" | "count" | "count/s" | "ms" | "s";
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
  maximumUserProperties: {
    default: 1_000,
    ceiling: 100_000,
    unit: "count",
    reason: "empty pairs are five bytes of a packet each and hundreds in memory, also before anybody is authenticated",
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
  maximumInflight: {
    default: 32,
    ceiling: 65_535,
    unit: "count",
    reason: "the in-flight window: unacknowledged QoS 1 and 2 messages to one client at a time, where it allows more",
  },
  receiveMaximum: {
    default: 4_096,
    ceiling: 4_096, // the ids of 128 sessions share a row of 2 MB
    unit: "count",
    reason: "QoS 1 and 2 messages of a client that wait for an answer: those of QoS 2 are kept in storage until PUBREL",
  },
  topicAliasMaximum: {
    default: 16,
    floor: 0,
    ceiling: 1_024,
    unit: "count",
    reason: "every topic alias, of a client or for it, is a topic name in memory and in the socket's attachment",
  },
  maximumQueuedMessages: {
    default: 1_000,
    ceiling: 1_000_000,
    unit: "count",
    reason: "unsent messages kept for one session or shared subscription; beyond, `QUEUE_OVERFLOW` says what goes",
  },
  maximumQueuedBytes: {
    default: 8 * MiB,
    ceiling: 1024 * MiB,
    unit: "bytes",
    reason: "unsent bytes kept for one session or shared subscription; beyond, `QUEUE_OVERFLOW` says what goes",
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
  retainedExpiryIntervalMs: {
    default: 600_000,
    ceiling: 24 * 3600 * 1000,
    unit: "ms",
    reason: "looking for retained messages that have expired reads every row, so it is done at most so often",
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
    reason: "unsent bytes of a socket above which QoS 0 is dropped for it; fewer where many are behind",
  },
  slowConsumerHardBytes: {
    default: 4 * MiB,
    ceiling: 64 * MiB,
    unit: "bytes",
    reason: "unsent bytes of a socket above which it is closed: they stay in the object's 128 MB",
  },
  slowConsumerTimeoutMs: {
    default: 30_000,
    ceiling: 3_600_000,
    unit: "ms",
    reason: "how long a socket above the soft limit may take no byte: a reader that stopped keeps the object awake",
  },
  maximumUnsentBytes: {
    default: 32 * MiB,
    ceiling: 48 * MiB, // twice that: as much again may be unsent to clients that were closed
    unit: "bytes",
    reason: "unsent bytes of all sockets, and queues in memory: many slow readers share one object's 128 MB",
  },
  sessionExpiryIntervalSec: {
    default: 7 * 24 * 3600,
    ceiling: 0xffff_ffff,
    unit: "s",
    reason: "lifetime of an off-line stored session of a v3 client, whose protocol cannot ask for one",
  },
  maximumSessionExpiryInterval: {
    default: 0xffff_ffff,
    ceiling: 0xffff_ffff,
    unit: "s",
    reason: "how long an MQTT 5 client may ask its session to be kept; 4294967295 is for ever",
  },
  serverKeepAlive: {
    default: 0,
    floor: 0,
    ceiling: 65_535,
    unit: "s",
    reason:
      "longest keep-alive of MQTT 5 clients: who asks for more, or for none, is told to use this; 0 leaves all theirs",
  },
  maximumConnectTime: {
    default: 0,
    floor: 0,
    ceiling: 365 * 24 * 3600,
    unit: "s",
    reason: "age at which a connection is closed, so that its client authenticates again; 0 is none",
  },
  clientMessageRate: {
    default: 0,
    floor: 0,
    ceiling: 1_000_000,
    unit: "count/s",
    reason: "one client that floods takes the time of all others of its shard; 0 is no limit",
  },
  clientByteRate: {
    default: 0,
    floor: 0,
    ceiling: 1024 * MiB,
    unit: "bytes/s",
    reason: "the same in bytes of topic, payload and properties; 0 is no limit",
  },
  namespaceMessageRate: {
    default: 0,
    floor: 0,
    ceiling: 10_000_000,
    unit: "count/s",
    reason:
      "what all clients of a namespace publish together is billed, and may share a machine with others; 0 is no limit",
  },
  namespaceByteRate: {
    default: 0,
    floor: 0,
    ceiling: 10 * 1024 * MiB,
    unit: "bytes/s",
    reason: "the same in bytes of topic, payload and properties; 0 is no limit",
  },
  rateBurstSec: {
    default: 10,
    ceiling: 3_600,
    unit: "s",
    reason:
      "of each rate so much may come at once after a pause: clients publish in bursts, and come back with a backlog",
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
