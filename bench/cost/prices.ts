// Published prices in US dollars, as read in November 2026. Those of AWS are from general knowledge.

const million = 1e6;

/** Workers Paid: what is included in a month, and what one of it costs beyond. */
export const cloudflare = {
  planPerMonth: 5,
  /** Of Durable Objects: upgrades, calls, alarm runs; an incoming WebSocket message is 1/20. */
  requests: { included: 1 * million, each: 0.15 / million },
  webSocketMessagesPerRequest: 20,
  rowsWritten: { included: 50 * million, each: 1 / million },
  rowsRead: { included: 25_000 * million, each: 0.001 / million },
  /** Each object is billed with 128 MB for the time in which it cannot hibernate. */
  gigabyteSeconds: { included: 400_000, each: 12.5 / million },
  gigabytesPerObject: 0.128,
  workerRequests: { included: 10 * million, each: 0.3 / million },
  workerCpuMs: { included: 30 * million, each: 0.02 / million },
} as const;

export const awsIotCore = {
  connectionMinute: 0.08 / million,
  message: 1 / million,
  bytesPerMessage: 5 * 1024,
  /** Of those that come more often, each is a message. */
  freePingSec: 30,
} as const;

export const emqxServerless = {
  sessionMinute: 2 / million,
  sessionMinutesIncluded: 1 * million,
  gigabyte: 0.15,
  gigabytesIncluded: 1,
} as const;

export const ably = {
  basePerMonth: 29,
  connectionMinute: 1 / million,
  channelMinute: 1 / million,
  message: 2.5 / million,
  gibibyte: 0.25,
} as const;

export const minutesPerMonth = 30 * 24 * 60;
export const hoursPerMonth = 30 * 24;
export const secondsPerMonth = minutesPerMonth * 60;
export const bytesPerGigabyte = 1e9;
export const bytesPerGibibyte = 1024 ** 3;
