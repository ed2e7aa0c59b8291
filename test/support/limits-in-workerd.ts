// The rows of the limits table whose hostile test needs a real socket: test/workers/limits.test.ts has those, and
// test/unit/core/broker/limits.test.ts all others. The types of both tables hold them complete.

import type { LimitName } from "../../src/core/limits.ts";

export const limitsInWorkerd = [
  "maximumPacketSize",
  "maximumUserProperties",
  "maximumSockets",
  "slowConsumerSoftBytes",
  "slowConsumerHardBytes",
  "slowConsumerTimeoutMs",
  "maximumUnsentBytes",
  "connectTimeoutMs",
] as const satisfies readonly LimitName[];

export type LimitInWorkerd = (typeof limitsInWorkerd)[number];
