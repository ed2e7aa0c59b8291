// A commit that fails after its transaction has ended, as one that cannot be made durable: only the output gate of the
// platform stands between such a flush and its acknowledgements. How the shard accepts its sockets must not matter to it.

import { runInDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { kindOf, publish } from "./mqtt-socket.ts";
import { newShard, Shard } from "./shard.ts";

/** The transaction succeeds; what it left to be checked at the commit does not hold. */
async function failCommits({ stub }: Shard): Promise<void> {
  await runInDurableObject(stub, (_, { storage }) => {
    storage.sql.exec("CREATE TABLE parent (id INTEGER PRIMARY KEY)");
    storage.sql.exec("CREATE TABLE child (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parent (id))");
    const { transactionSync } = storage;
    Object.defineProperty(storage, "transactionSync", {
      value: (closure: () => unknown) =>
        transactionSync.call(storage, () => {
          storage.sql.exec("PRAGMA defer_foreign_keys = on");
          storage.sql.exec("INSERT INTO child (parent) VALUES (1)");
          return closure();
        }),
    });
  });
}

describe.each([1, 2] as const)("the answer to a QoS %i message for a durable session", (qos) => {
  const retained = (payload: string, messageId: number) => publish("t", { qos, messageId, payload, retain: true });

  test("leaves after the commit, together with what needs none", async () => {
    const publisher = await newShard().client("publisher");
    publisher.send({ cmd: "pingreq" }, retained("stored", 1));
    expect((await publisher.take(2)).map(kindOf)).toEqual(["pingresp", qos === 1 ? "puback" : "pubrec"]);
  });

  test("never leaves where the commit fails, while what needs none does", async () => {
    const name = `commit-gate-${qos}`;
    const shard = new Shard(name);
    const publisher = await shard.client("publisher");
    await shard.save();
    await failCommits(shard);
    publisher.send({ cmd: "pingreq" }, retained("lost", 1));
    expect((await publisher.take(2)).map(kindOf)).toEqual(["pingresp", "closed"]);
    expect(await new Shard(name).stub.readRetained("t")).toBeNull();
  });
});
