// A write that fails, by a fault put into the storage of the running object (a disk that is really full is in
// test/e2e/pressure): what relies on it is never acknowledged, the object starts again from storage, and serves.

import { runInDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { kindOf, messageOf, publish } from "./mqtt-socket.ts";
import { Shard } from "./shard.ts";

const durable = { clean: false };

let names = 0;
const newName = (): string => `pressure-${(names += 1)}`;

type Fault = (storage: DurableObjectStorage) => void;

const statementFails: Fault = (storage) => {
  const { exec } = storage.sql;
  const failing = (query: string, ...bindings: unknown[]): SqlStorageCursor<Record<string, SqlStorageValue>> => {
    if (/^\s*(?:INSERT|UPDATE|DELETE)/i.test(query)) {
      throw new Error("database or disk is full: SQLITE_FULL");
    }
    return exec.call(storage.sql, query, ...bindings);
  };
  Object.defineProperty(storage.sql, "exec", { value: failing, configurable: true });
};

const transactionFails: Fault = (storage) => {
  Object.defineProperty(storage, "transactionSync", {
    value: () => {
      throw new Error("disk I/O error: SQLITE_IOERR");
    },
  });
};

/** The writes run, and the commit of them fails afterwards. */
const commitFails: Fault = (storage) => {
  const { transactionSync } = storage;
  Object.defineProperty(storage, "transactionSync", {
    value: (closure: () => unknown) => {
      transactionSync.call(storage, closure);
      throw new Error("disk I/O error: SQLITE_IOERR_FSYNC");
    },
  });
};

/** Holds for the object's present memory: the one that starts again has storage as it is. */
async function breakStorage({ stub }: Shard, fault: Fault): Promise<void> {
  await runInDurableObject(stub, (_, state) => fault(state.storage));
}

const faults: readonly (readonly [name: string, fault: Fault])[] = [
  ["a statement fails", statementFails],
  ["the transaction fails", transactionFails],
  ["the transaction fails after its last statement", commitFails],
];

describe.each(faults)("where %s", (_, fault) => {
  test.each([1, 2] as const)("a QoS %i message is not acknowledged, and the next one is", async (qos) => {
    const name = newName();
    const shard = new Shard(name);
    (await shard.subscriber("subscriber", 2, ["t"], durable)).drop();
    const publisher = await shard.client("publisher", durable);
    publisher.send(publish("t", { qos, messageId: 1, payload: "before" }));
    expect(kindOf(await publisher.next())).toBe(qos === 1 ? "puback" : "pubrec");
    await shard.save();
    await breakStorage(shard, fault);
    publisher.send(publish("t", { qos, messageId: 2, payload: "failed" }));
    expect(await publisher.next()).toBe("closed");

    // The stub of before has ended with the object.
    const reborn = new Shard(name);
    const again = await reborn.client("publisher", durable);
    expect(again.resumed).toBe(true);
    again.send(publish("t", { qos, messageId: 2, dup: true, payload: "again" }));
    expect(kindOf(await again.next())).toBe(qos === 1 ? "puback" : "pubrec");
    const subscriber = await reborn.client("subscriber", durable);
    const got = (await subscriber.take(2)).map((packet) => messageOf(packet));
    expect(got).toEqual([`t=before q${qos}`, `t=again q${qos}`]);
    expect(await subscriber.rest()).toEqual([]);
  });

  test("a retained message is not acknowledged, and the one before it stands", async () => {
    const name = newName();
    const shard = new Shard(name);
    const publisher = await shard.client("publisher");
    publisher.send(publish("t", { qos: 1, messageId: 1, retain: true, payload: "old" }));
    expect(kindOf(await publisher.next())).toBe("puback");
    await breakStorage(shard, fault);
    publisher.send(publish("t", { qos: 1, messageId: 2, retain: true, payload: "new" }));
    expect(await publisher.next()).toBe("closed");
    const subscriber = await new Shard(name).subscriber("subscriber", 0, ["t"]);
    expect(messageOf(await subscriber.next())).toBe("t=old q0 retain");
  });

  test("a durable session is not announced, and the next CONNECT makes it", async () => {
    const name = newName();
    const shard = new Shard(name);
    await shard.client("warm");
    await breakStorage(shard, fault);
    await expect(shard.client("new", durable)).rejects.toThrow("closed");
    const reborn = new Shard(name);
    expect((await reborn.client("new", durable)).resumed).toBe(false);
    expect((await reborn.client("new", durable)).resumed).toBe(true);
  });
});
