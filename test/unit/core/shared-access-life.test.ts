// A shared group whose members may receive different topics, and come and go at random.

import { describe, expect, test } from "vitest";
import { ack, subscribe, upTo, type Client } from "../../support/scene.ts";
import { got, owner, World } from "./shared-world.ts";

/** Numbers in [0, limit), always the same for a seed. */
function randomOf(seed: number): (limit: number) => number {
  let state = seed * 2_654_435_761;
  return (limit) => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5) | 0;
    return ((state ^ (state >>> 13)) >>> 0) % limit;
  };
}

describe.each([false, true])("a random life of a group with mixed rights (crashes: %s)", (withCrashes) => {
  test.each(upTo(25))("seed %i: who may gets each message, nobody else does, and the shards come to rest", (seed) => {
    const random = randomOf(seed);
    const world = new World({ maximumInflight: 2, maximumQueuedMessages: 10_000 });
    const members = ["a", "b", "all", "a", "all"].map((username, index) => {
      const shard = (index + seed) % 3;
      const id = world.net.placement.clientOn(shard);
      return { id, shard, username, client: undefined as Client | undefined, open: new Map<number, string>() };
    });
    type One = (typeof members)[number];
    const seen = new Map<string, number>();
    const faults: string[] = [];
    let published: string[] = [];

    const look = (): void => {
      for (const { client, open, username } of members) {
        if (client === undefined) continue;
        for (const { payload, id } of got(client)) {
          if (username !== "all" && !payload.startsWith(username)) faults.push(`${payload} at ${username}`);
          open.set(id, payload);
        }
      }
    };
    const come = (one: One): void => {
      one.client = world.back(one.shard, one.username, one.id);
      look();
    };
    const answer = (one: One): void => {
      const [first] = one.open;
      if (one.client === undefined || first === undefined) return;
      one.open.delete(first[0]);
      seen.set(first[1], (seen.get(first[1]) ?? 0) + 1);
      world.net.send(one.client, ack("puback", first[0]));
    };
    const crash = (shard: number): void => {
      for (const one of members) if (one.shard === shard) one.client = undefined;
      world.net.at(shard).crash();
      world.net.at(shard).broker.links.resume();
      world.net.settle();
    };

    for (const one of members) {
      come(one);
      if (one.client !== undefined) world.net.send(one.client, subscribe(1, world.filter));
      look();
    }
    for (let step = 0; step < 250; step += 1) {
      const one = members[random(members.length)] as One;
      const choice = random(20);
      if (choice < 8) {
        const payload = `${["a", "b", "all", "b"][random(4)]}-${published.length}`;
        const [user] = payload.split("-");
        published = [...published, payload];
        world.publish(1, `${user}/${random(3)}`, payload);
      } else if (choice < 15) answer(one);
      else if (choice < 16 && one.client !== undefined) {
        one.client.drop();
        one.client = undefined;
        world.net.settle();
      } else if (choice < 18 && one.client === undefined) come(one);
      else if (choice === 18) world.net.pass(random(8));
      else if (choice === 19 && withCrashes && one.shard !== owner) crash(one.shard);
      else if (choice === 19) {
        for (const scene of world.net.scenes) {
          scene.hibernate();
          world.net.settle();
        }
      }
      look();
    }
    for (const one of members) if (one.client === undefined) come(one);
    for (let round = 0; round < 400 && members.some(({ open }) => open.size > 0); round += 1) {
      for (const one of members) answer(one);
      if (round % 50 === 49) world.net.pass(11);
      look();
    }
    expect(faults).toEqual([]);
    expect(published.filter((payload) => !seen.has(payload))).toEqual([]);
    const isTwice = ([, times]: [string, number]): boolean => times > 1 && !withCrashes;
    expect([...seen].filter(isTwice)).toEqual([]);
    expect(world.denied).toBe(0);
  });
});
