// UNSUBSCRIBE may follow SUBSCRIBE before another shard has registered the filter: every request is answered, in order.

import { expect, test } from "vitest";
import { publish1, subscribe, unsubscribe } from "../../support/scene.ts";
import { ShardNet } from "./shard-net.ts";

test.each(["t", "$share/group/t"])(
  "[MQTT-3.8.4-1] an UNSUBSCRIBE of %s at once leaves neither the SUBACK nor what follows unanswered",
  (filter) => {
    const shards = new ShardNet();
    const subtree = shards.placement.subtreeOn(1);
    const client = shards.connect(0);
    const elsewhere = filter.replace(/t$/u, subtree);
    client.send(subscribe(1, elsewhere), unsubscribe(elsewhere), publish1(subtree, "x", 7));
    shards.settle();
    expect(client.lines()).toEqual(["suback 1", "unsuback 0", "puback 7"]);
  },
);
