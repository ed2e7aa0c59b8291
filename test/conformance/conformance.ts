// Makes a vitest test of every dialogue and version, against the Worker with the shards of its configuration.

import { env } from "cloudflare:workers";
import { describe, test } from "vitest";
import type { ClientId, TopicName } from "../../src/core/brand.ts";
import { ownerOfTopic, shardOfClient, type Layout } from "../../src/core/placement.ts";
import { advance, settleAndEvict } from "../support/evict.ts";
import type { Dialogue } from "./dialogue.ts";
import { assertApart, createIdSource, type Placement } from "./ids.ts";
import type { Version } from "./notation.ts";
import { play } from "./play.ts";
import { workerTransport } from "./worker-transport.ts";

type Evictions = "undisturbed" | "evicted between every two packets";

const VERSION_NAMES: ReadonlyMap<Version, string> = new Map([
  [3, "MQTT 3.1"],
  [4, "MQTT 3.1.1"],
  [5, "MQTT 5.0"],
]);

/** The layout that the variables of this run propose. */
function placementOfRun(): Placement {
  const shards = Number((env as { readonly SHARDS?: string }).SHARDS ?? 1);
  const layout: Layout = { number: 1, shards, subtreeDepth: 1, depthByPrefix: [], hashSeed: 0 };
  return {
    shards,
    clientShard: (id) => shardOfClient(id as ClientId, layout),
    topicShard: (name) => ownerOfTopic(name as TopicName, layout),
  };
}

async function undisturbed(): Promise<void> {}

/** The versions that dialogues hold for. */
const versionsOf = (dialogues: readonly Dialogue[]): Version[] =>
  [...VERSION_NAMES.keys()].filter((version) => dialogues.some(({ versions }) => versions.includes(version)));

/**
 * One test for each dialogue and version that it holds for, titled with the dialogue's title.
 *
 * @param connackProperties what the configuration of this run tells every client of MQTT 5, in the notation of bytes
 */
export function testDialogues(
  dialogues: readonly Dialogue[],
  evictions: Evictions,
  among: readonly Version[] = versionsOf(dialogues),
  connackProperties = "{limits}",
): void {
  const placement = placementOfRun();
  const nextIds = createIdSource(placement);
  const between = evictions === "undisturbed" ? undisturbed : settleAndEvict;
  for (const version of among) {
    describe(`${VERSION_NAMES.get(version)}, ${placement.shards} shard(s), ${evictions}`, () => {
      for (const dialogue of dialogues.filter(({ versions }) => versions.includes(version))) {
        test(dialogue.title, async () => {
          const ids = nextIds();
          assertApart(ids, placement);
          await play(dialogue, { transport: workerTransport, version, ids, connackProperties, between, advance });
        });
      }
    });
  }
}
