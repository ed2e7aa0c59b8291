// A backup of several shards: what was acknowledged may still be on its way between them.

import { expect, test } from "vitest";
import type { TransferAnswer, TransferRequest } from "../../../src/objects/shard-transfer.ts";
import { apart, withTap, type BatchCall } from "../../support/shards.ts";
import { kindOf, publish } from "../mqtt-socket.ts";

const [a, b, c] = [0, 1, 2] as const;
const enough = 64 * 1024;

test("an acknowledged message that the owner has in its outbox is waited for, and is in the pages read then", async () => {
  const { cluster, publisher, subtree, subscriberId } = await apart();
  const { layout } = cluster.placement;
  const away = await cluster.subscriber(subscriberId, 1, [subtree], { clean: false });
  away.send({ cmd: "disconnect" });
  expect(await away.closed()).toBe(true);
  let release = (): void => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  const hold = async ({ to, run }: BatchCall): Promise<Uint8Array> => {
    if (to.endsWith(`/${c}`)) await held;
    return run();
  };
  const settled = new Set<number>();
  const settle = async (shard: number): Promise<void> => {
    expect(await ask(shard, { kind: "settle" })).toEqual({ kind: "settled" });
    settled.add(shard);
  };
  await withTap(cluster, hold, async () => {
    publisher.send(publish(subtree, { payload: "acknowledged", qos: 2, messageId: 1 }));
    expect(kindOf(await publisher.next())).toBe("pubrec");
    await settle(a); // from here on the owner has it
    const ofOwner = settle(b);
    await settle(c);
    expect([...settled]).toEqual([a, c]);
    expect(await payloadsAt(c)).toEqual([]);
    release();
    await ofOwner;
    expect(await payloadsAt(c)).toEqual(["acknowledged"]);
  });

  async function ask(shard: number, request: TransferRequest): Promise<TransferAnswer> {
    // As types have it, what a call gives is never quite what the shard gave.
    return (await cluster.stub(shard).transfer(request, layout)) as unknown as TransferAnswer;
  }

  async function payloadsAt(shard: number): Promise<string[]> {
    const found: string[] = [];
    let page: TransferAnswer | undefined;
    do {
      const cursor = page?.kind === "page" ? page.next : undefined;
      page = await ask(shard, { kind: "page", maximumBytes: enough, ...(cursor && { cursor }) });
      if (page.kind !== "page") throw new Error(`no page but ${page.kind}`);
      for (const record of page.records) {
        if (record.kind === "message") found.push(new TextDecoder().decode(record.message.payload));
      }
    } while (page.next !== undefined);
    return found;
  }
});
