// What one client or token may do. The rules come from `auth/`; the core only asks.

import type { TopicFilter, TopicName } from "./brand.ts";

export interface Access {
  mayPublish(topicName: TopicName): boolean;
  /** False only where no topic that the filter matches could ever be received. */
  maySubscribe(topicFilter: TopicFilter): boolean;
  /** Asked at delivery: a filter may be broader than what its owner may see. */
  mayReceive(topicName: TopicName): boolean;
}

export const unrestricted: Access = {
  mayPublish: () => true,
  maySubscribe: () => true,
  mayReceive: () => true,
};
