// Who takes part in a world, and which topics there are: placed so that at several shards publisher, owner and
// subscriber meet on all of them.

import { Placement } from "../support/placement.ts";
import type { ClientTerms } from "./client.ts";
import { matches } from "./matching.ts";
import type { ModelSettings } from "./model.ts";

export interface Scene {
  readonly clients: readonly ClientTerms[];
  readonly topics: readonly string[];
  readonly retainedTopics: readonly string[];
  /** Served by groups alone. */
  readonly sharedTopics: readonly string[];
  /** Nobody may publish to it. */
  readonly deniedTopic: string;
  readonly filters: readonly string[];
  readonly sharedFilters: readonly string[];
  readonly retainedFilter: string;
  /** The ACL of the broker. */
  readonly rules: string;
  readonly model: ModelSettings;
}

const forEver = 4_294_967_295;
const shortExpirySec = 1;
const own = "own";

const kinds: readonly Omit<ClientTerms, "clientId" | "willTopic" | "isDirect">[] = [
  { version: 4, isDurable: true, expirySec: 0, receiveMaximum: undefined },
  { version: 5, isDurable: true, expirySec: forEver, receiveMaximum: 3 },
  { version: 5, isDurable: true, expirySec: 3600, receiveMaximum: undefined },
  { version: 4, isDurable: false, expirySec: 0, receiveMaximum: undefined },
  { version: 5, isDurable: true, expirySec: shortExpirySec, receiveMaximum: 5 },
  { version: 5, isDurable: false, expirySec: 0, receiveMaximum: 4 },
  { version: 4, isDurable: true, expirySec: 0, receiveMaximum: undefined },
  { version: 5, isDurable: true, expirySec: 3600, receiveMaximum: 10 },
];
/** Of the clients, by their place. */
const withWill = new Set([3, 5, 6, 7]);

export function sceneOf(shards: number): Scene {
  const placement = new Placement(shards);
  const subtrees = [0, 1, 2].map((shard) => placement.subtreeOn(shard, "s"));
  const [first = "", second = "", third = ""] = subtrees;
  const clients = kinds.map((kind, place) => {
    const clientId = placement.clientOn(place, "c");
    const willTopic = withWill.has(place) ? `${subtrees[place % subtrees.length]}/w/${clientId}` : undefined;
    return { ...kind, clientId, willTopic, isDirect: place % 2 === 1 };
  });
  const ownTopics = clients.map(({ clientId }) => `${own}/${clientId}/m`);
  const deniedTopic = `${first}/locked`;
  return {
    clients,
    topics: [...subtrees.flatMap((subtree) => [`${subtree}/x`, `${subtree}/x/y`]), ...ownTopics.slice(0, 2)],
    retainedTopics: subtrees.flatMap((subtree) => [`${subtree}/r/1`, `${subtree}/r/2`]),
    sharedTopics: [`${first}/q/1`, `${first}/q/2`, ...subtrees.map((subtree) => `${subtree}/p/1`)],
    deniedTopic,
    filters: [
      `${first}/x/#`,
      `${first}/x`,
      `${second}/+`,
      `${second}/x/y`,
      `${third}/x/#`,
      "+/x",
      "+/x/y",
      `${first}/+`,
      `${own}/#`,
      `${own}/+/m`,
      `${second}/r/#`,
      "+/r/1",
      `${third}/r/2`,
      "+/w/#",
    ],
    sharedFilters: [`$share/one/${first}/q/#`, "$share/two/+/p/#"],
    retainedFilter: "+/r/#",
    rules: [
      ...subtrees.map((subtree) => `topic readwrite ${subtree}/#`),
      `topic deny ${deniedTopic}`,
      `topic write ${own}/#`,
      `pattern read ${own}/%c/#`,
    ].join("\n"),
    model: {
      shards,
      shardOf: (clientId) => placement.shardOf(clientId),
      mayRead: (clientId, topicName) =>
        topicName !== deniedTopic && (!matches(`${own}/#`, topicName) || matches(`${own}/${clientId}/#`, topicName)),
      isAtOwnerWhenAcknowledged: ({ publisher, topicName, qos }) =>
        qos === 1 || placement.shardOf(publisher) === placement.ownerOf(topicName),
    },
  };
}
