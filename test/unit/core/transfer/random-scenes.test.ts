// Random scenes leave one core and go on in another: every client sees there what it would have seen had its own shard
// restarted.

import { describe, expect, it } from "vitest";
import { defaultFeatures } from "../../../../src/core/features.ts";
import type { PacketId } from "../../../../src/core/brand.ts";
import type { Layout } from "../../../../src/core/placement.ts";
import { ack, connect, publish, Scene, subscribe, unsubscribe, upTo, type Client } from "../../../support/scene.ts";
import { randomOf } from "../../../support/random.ts";
import { exportAll, importAll, importInto, startLogAt } from "../../../support/transfer.ts";

const seeds = upTo(40);
const options = { options: { features: { ...defaultFeatures, sharedSubscriptionAvailable: true } } };
const clientIds = ["c1", "c2", "c3", "c4"];
const topics = ["a/1", "a/2", "b/1", "job/1"];
const filters = ["a/#", "b/1", "a/1", "$share/g/job/#", "$share/h/job/1"];

const session = (random: (below: number) => number) => ({
  protocolVersion: 5 as const,
  properties: { sessionExpiryIntervalSec: 3600, receiveMaximum: 1 + random(4) },
});

/** What came and was not answered yet, of one connection. */
class Talker {
  readonly client: Client;
  readonly seen: string[] = [];
  readonly #open: { kind: "publish1" | "publish2" | "pubrel"; id: number }[] = [];

  constructor(client: Client) {
    this.client = client;
  }

  read(): void {
    for (const line of this.client.lines()) {
      this.seen.push(line);
      const [, qos, id] = / q([12]) #(\d+)/.exec(line) ?? [];
      if (qos !== undefined) this.#open.push({ kind: qos === "1" ? "publish1" : "publish2", id: Number(id) });
      const [, released] = /^pubrel (\d+)$/.exec(line) ?? [];
      if (released !== undefined) this.#open.push({ kind: "pubrel", id: Number(released) });
    }
  }

  /** Answers what came first, or (`at`) something else. */
  answer(at = 0): boolean {
    const [open] = this.#open.splice(at % Math.max(1, this.#open.length), 1);
    if (open === undefined) return false;
    const kind = open.kind === "publish1" ? "puback" : open.kind === "publish2" ? "pubrec" : "pubcomp";
    this.client.send(ack(kind, open.id));
    return true;
  }
}

function settle(scene: Scene): void {
  scene.flush();
  scene.pump();
}

/** Clients that come, go, subscribe, publish and answer, as the seed has it. */
function play(scene: Scene, seed: number): void {
  const random = randomOf(seed);
  const talkers = new Map<string, Talker>();
  let lastId = 0;
  for (let step = 0; step < 150; step += 1) {
    const clientId = clientIds[random(clientIds.length)] as string;
    const talker = talkers.get(clientId);
    talker?.read();
    const topic = topics[random(topics.length)] as string;
    const filter = filters[random(filters.length)] as string;
    switch (talker === undefined ? "come" : random(10)) {
      case "come":
        talkers.set(
          clientId,
          new Talker(scene.connect(clientId, { ...session(random), cleanStart: random(12) === 0 })),
        );
        break;
      case 0:
        talker?.client.drop();
        talkers.delete(clientId);
        break;
      case 1:
        talker?.client.send(random(5) === 0 ? unsubscribe(filter) : subscribe((1 + random(2)) as 1 | 2, filter));
        break;
      case 2:
      case 3:
        talker?.answer(random(3));
        break;
      default: {
        lastId += 1;
        const qos = (1 + random(2)) as 1 | 2;
        const packetId = (1 + (lastId % 1000)) as PacketId;
        talker?.client.send(publish(topic, `${seed}.${step}`, { qos, packetId, retain: random(8) === 0 }));
        if (qos === 2 && random(4) > 0) talker?.client.send(ack("pubrel", packetId));
      }
    }
    if (random(3) === 0) settle(scene);
    if (random(25) === 0) scene.pass(1);
  }
  settle(scene);
}

/** Everybody comes back and answers everything: what each saw; and what the groups gave away, whoever got it. */
function drain(scene: Scene, ids: readonly string[]): Map<string, string[]> {
  const talkers = new Map(
    ids.map((clientId) => {
      const client = scene.open();
      client.send(connect(clientId, { ...session(() => 1), cleanStart: false }));
      return [clientId, new Talker(client)] as const;
    }),
  );
  for (let isBusy = true; isBusy;) {
    isBusy = false;
    settle(scene);
    for (const talker of talkers.values()) talker.read();
    for (const talker of talkers.values()) while (talker.answer()) isBusy = true;
  }
  return new Map([...talkers].map(([clientId, { seen }]) => [clientId, seen]));
}

const isOfGroup = (line: string): boolean => line.includes("publish job/") && !line.endsWith("dup");
/** Ids of what was never sent are the new shard's own: the line says which message instead. */
function withoutFreshIds(lines: readonly string[]): string[] {
  const messages = new Map<string, string>();
  return lines.map((line) => {
    const [, text, id] = /^publish (\S+) q[12] #(\d+)(?!.*dup)/.exec(line) ?? [];
    if (text !== undefined && id !== undefined) messages.set(id, text);
    const released = /^pubrel (\d+)$/.exec(line)?.[1];
    const message = released === undefined ? undefined : messages.get(released);
    if (message !== undefined) return `pubrel of ${message}`;
    return text === undefined ? line : line.replace(/ #\d+/, "");
  });
}

/** A replay may begin anew: what it brings is looked at apart. */
const isReplayed = (line: string): boolean => line.endsWith(" retain");

function comparable(seen: ReadonlyMap<string, readonly string[]>) {
  const lines = new Map([...seen].map(([clientId, all]) => [clientId, withoutFreshIds(all)]));
  const isApart = (line: string): boolean => isOfGroup(line) || line.startsWith("pubrel of ") || isReplayed(line);
  const groups = [...lines.values()].flat().filter(isOfGroup);
  return {
    own: new Map([...lines].map(([clientId, all]) => [clientId, all.filter((line) => !isApart(line))])),
    groups: groups
      .filter((line) => !isReplayed(line))
      .map((line) => line.split(" ").slice(1, 3).join(" "))
      .toSorted(),
    replays: [...lines].flatMap(([clientId, all]) => all.filter(isReplayed).map((line) => `${clientId} ${line}`)),
  };
}

const layout: Layout = { number: 2, shards: 3, subtreeDepth: 1, depthByPrefix: [], hashSeed: 0 };

describe("a random scene", () => {
  it.each(seeds)("goes on in another shard as it would after a restart of its own (seed %i)", (seed) => {
    const from = new Scene(options);
    startLogAt(from, 65_500);
    play(from, seed);
    const records = exportAll(from, [1, 300, 100_000][seed % 3]);
    const to = new Scene(options);
    startLogAt(to, [0, 65_500, 131_000, 65_400][seed % 4] ?? 0);
    to.nowMs = from.nowMs;
    importAll(to, records, { partSize: 1 + (seed % 9) });
    if (seed % 2 === 0) to.crash();
    for (const client of from.broker.connections.values()) from.broker.onSocketLost(client, from.nowMs);
    settle(from);
    const ids = [...from.broker.sessions.all()].map(({ clientId }) => clientId);
    const expected = comparable(drain(from, ids));
    const found = comparable(drain(to, ids));
    expect(found.own).toEqual(expected.own);
    expect(found.groups).toEqual(expected.groups);
    expect(found.replays).toEqual(expect.arrayContaining(expected.replays));
    expect(expected.own.size).toBeGreaterThan(2);
    expect(to.broker.log.bytes).toBe(from.broker.log.bytes);
  });

  it.each(seeds.slice(0, 10))("is whole when it is split among three shards and joined again (seed %i)", (seed) => {
    const from = new Scene(options);
    play(from, seed);
    const records = exportAll(from);
    const three = [0, 1, 2].map((shardIndex) => new Scene({ options: { ...options.options, shardIndex } }));
    importInto(three, records, layout);
    const joined = new Scene(options);
    const again = three.flatMap((scene) => exportAll(scene));
    // As an import has them: sessions before what is for them.
    const order = ["session", "subscriptions", "message", "retained", "will"];
    importAll(
      joined,
      again.toSorted((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind)),
    );
    for (const client of from.broker.connections.values()) from.broker.onSocketLost(client, from.nowMs);
    settle(from);
    const ids = [...from.broker.sessions.all()].map(({ clientId }) => clientId);
    const expected = comparable(drain(from, ids));
    const found = comparable(drain(joined, ids));
    expect(found.own).toEqual(expected.own);
    expect(found.groups).toEqual(expected.groups);
  });
});
