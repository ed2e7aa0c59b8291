// A shared group's queue as long as configuration allows it to become: what happens to all of it at once takes its time,
// and no more.

import { expect, test } from "vitest";
import { accessByRules } from "../../../src/auth/acl.ts";
import { unrestricted } from "../../../src/core/access.ts";
import { defaultFeatures } from "../../../src/core/features.ts";
import { connect, publish1, Scene, subscribe } from "../../support/scene.ts";

/** More than a call takes arguments. */
const messages = 140_000;
const timeoutMs = 60_000;

test(
  "a queue that waits for one member alone is dropped when it leaves, however long it is",
  () => {
    const reader = accessByRules([{ access: "read", topic: "t/own" }]);
    const scene = new Scene({
      limits: { maximumInflight: 1, maximumQueuedMessages: 1_000_000 },
      options: { features: defaultFeatures },
      access: (username) => (username === "reader" ? { ...unrestricted, mayReceive: reader.mayReceive } : unrestricted),
    });
    const join = (username: string) => {
      const client = scene.open();
      client.send(connect(username, { username }), subscribe(1, "$share/g/t/#"));
      client.take();
      return client;
    };
    join("reader"); // has a free slot, and may not receive what comes
    const all = join("all");
    const publisher = scene.connect("p");
    for (let id = 1; id <= messages; id += 1) publisher.send(publish1("t/other", "x", (id % 65_535) + 1));
    const waiting = scene.broker.groups.find("$share/g/t/#")?.queue.count;
    expect(waiting).toBe(messages - 1);
    all.drop();
    expect(scene.broker.counters.dropped.get("not_authorized")).toBe(messages);
  },
  timeoutMs,
);
