// What a namespace may have been through before it idles: after each of these its shards must sleep, and none of it may
// be gone afterwards. `play` ends when nothing more is to come; what it gives is run after the sleep.

import type { IPublishPacket, Packet } from "mqtt-packet";
import { version } from "../../../src/core/version.ts";
import { Crowd } from "./crowd.ts";
import { whoSlept } from "./sleep.ts";
import type { Stage } from "./stage.ts";
import { acknowledge, publish, said, type WireClient } from "./wire-client.ts";

export interface SleepScene {
  readonly name: string;
  play(stage: Stage): Promise<() => Promise<void>>;
}

const durable = { clean: false } as const;

/** Throws unless these came, in whatever order. */
function expectSaid(packets: readonly Packet[], ...expected: readonly string[]): void {
  const heard = packets.map(said).toSorted();
  if (heard.join("\n") !== expected.toSorted().join("\n")) {
    throw new Error(`expected ${JSON.stringify(expected)}, and ${JSON.stringify(heard)} came`);
  }
}

/** QoS 1 messages in one frame, and all their acknowledgements. */
async function publishAcknowledged(publisher: WireClient, packets: readonly IPublishPacket[]): Promise<void> {
  publisher.send(...packets.map((packet, index) => ({ ...packet, qos: 1 as const, messageId: index + 1 })));
  expectSaid(await publisher.take(packets.length), ...packets.map(() => "puback"));
}

const publishAll = (publisher: WireClient, topic: string, texts: readonly string[]): Promise<void> =>
  publishAcknowledged(
    publisher,
    texts.map((payload) => publish(topic, { payload })),
  );

const keepAll = (publisher: WireClient, topics: readonly string[], payload: string): Promise<void> =>
  publishAcknowledged(
    publisher,
    topics.map((topic) => publish(topic, { payload, retain: true })),
  );

async function publishExactlyOnce(publisher: WireClient, topic: string, messageId: number): Promise<void> {
  const pubrec = await publisher.ask(publish(topic, { payload: `exactly ${messageId}`, qos: 2, messageId }));
  expectSaid([pubrec, await publisher.ask(acknowledge("pubrel", pubrec))], "pubrec", "pubcomp");
}

/** Everything up to the answer of the shard itself: behind a relay a PINGREQ does not reach it. */
async function settled(client: WireClient): Promise<Packet[]> {
  client.send({ cmd: "unsubscribe", messageId: unsubscribeId, unsubscriptions: ["nothing/of/this/name"] });
  const before: Packet[] = [];
  for (;;) {
    const packet = await client.next();
    if (packet.cmd === "unsuback") return before;
    before.push(packet);
  }
}

/** A packet id that no PUBLISH of a scene uses. */
const unsubscribeId = 60_000;

/** The next `count` messages, each with its whole handshake. */
async function takeAndAnswer(subscriber: WireClient, count: number): Promise<Packet[]> {
  const messages: Packet[] = [];
  while (messages.length < count) {
    const packet = await subscriber.next();
    if (packet.cmd === "pubrel") subscriber.send(acknowledge("pubcomp", packet));
    if (packet.cmd !== "publish") continue;
    messages.push(packet);
    if (packet.qos > 0) subscriber.send(acknowledge(packet.qos === 1 ? "puback" : "pubrec", packet));
  }
  for (const packet of await settled(subscriber)) {
    if (packet.cmd === "pubrel") subscriber.send(acknowledge("pubcomp", packet));
  }
  return messages;
}

/** Publisher, owner of the topic and subscribers sit on three shards where there are so many. */
async function castOf(stage: Stage) {
  const { placement } = stage;
  const topic = placement.subtreeOn(1, "topic");
  const publisher = await stage.connectOn(0, "publisher");
  const ephemeral = await stage.connectOn(2, "ephemeral");
  const durableId = placement.clientOn(2, "durable");
  const stored = await stage.connect(durableId, durable);
  return { topic, publisher, ephemeral, stored, durableId };
}

const idleSessions: SleepScene = {
  name: "idle sessions with subscriptions, one of them off line, and retained messages",
  async play(stage) {
    const { topic, publisher, ephemeral, stored } = await castOf(stage);
    const awayId = stage.placement.clientOn(1, "away");
    const away = await stage.connect(awayId, durable);
    for (const client of [ephemeral, stored, away]) await client.subscribe(1, `${topic}/+`, "+/everywhere");
    await away.end();
    await keepAll(publisher, [`${topic}/kept/deep`], "value");
    return async () => {
      await publishAll(publisher, `${topic}/now`, ["after the sleep"]);
      for (const client of [ephemeral, stored]) {
        expectSaid(await takeAndAnswer(client, 1), `${topic}/now=after the sleep q1`);
      }
      const back = await stage.connect(awayId, durable);
      expectSaid(await takeAndAnswer(back, 1), `${topic}/now=after the sleep q1`);
      const fresh = await stage.connectOn(2, "fresh");
      await fresh.subscribe(1, `${topic}/#`);
      expectSaid(await takeAndAnswer(fresh, 1), `${topic}/kept/deep=value q1 retain`);
    };
  },
};

const traffic: SleepScene = {
  name: "traffic of every QoS from shard to shard, and a subscription that was taken back",
  async play(stage) {
    const { topic, publisher, ephemeral, stored } = await castOf(stage);
    for (const client of [ephemeral, stored]) await client.subscribe(2, `${topic}/#`, `${topic}-other/#`);
    const exchange = async (): Promise<void> => {
      publisher.send(publish(`${topic}/0`));
      await publishAll(publisher, `${topic}/1`, ["a", "b", "c"]);
      await publishExactlyOnce(publisher, `${topic}/2`, 2);
      await publishExactlyOnce(publisher, `${topic}/2`, 3);
      const expected = [`${topic}/0=x q0`, ...["a", "b", "c"].map((text) => `${topic}/1=${text} q1`)];
      expected.push(`${topic}/2=exactly 2 q2`, `${topic}/2=exactly 3 q2`);
      for (const client of [ephemeral, stored]) expectSaid(await takeAndAnswer(client, 6), ...expected);
    };
    await exchange();
    for (const client of [ephemeral, stored]) {
      const unsubscriptions = [`${topic}-other/#`];
      expectSaid([await client.ask({ cmd: "unsubscribe", messageId: unsubscribeId, unsubscriptions })], "unsuback");
    }
    return exchange;
  },
};

const unanswered: SleepScene = {
  name: "messages in flight that nobody has answered",
  async play(stage) {
    const { topic, publisher, ephemeral, stored } = await castOf(stage);
    const clients = [ephemeral, stored];
    for (const client of clients) await client.subscribe(2, topic);
    await publishAll(publisher, topic, ["once"]);
    await publishExactlyOnce(publisher, topic, 2);
    const owed = await Promise.all(clients.map((client) => client.take(2)));
    return async () => {
      for (const [index, client] of clients.entries()) {
        const [one, two] = owed[index] as [Packet, Packet];
        expectSaid([one, two], `${topic}=once q1`, `${topic}=exactly 2 q2`);
        client.send(acknowledge("puback", one));
        expectSaid([await client.ask(acknowledge("pubrec", two))], "pubrel");
        client.send(acknowledge("pubcomp", two));
        expectSaid(await settled(client));
      }
      await publishAll(publisher, topic, ["next"]);
      for (const client of clients) expectSaid(await takeAndAnswer(client, 1), `${topic}=next q1`);
    };
  },
};

const sharedGroup: SleepScene = {
  name: "a shared group that has handed over, one message of it not yet answered",
  async play(stage) {
    const { topic, publisher, ephemeral, stored } = await castOf(stage);
    const members = [ephemeral, stored];
    for (const member of members) await member.subscribe(1, `$share/group/${topic}`);
    await publishAll(publisher, topic, ["1", "2", "3", "4"]);
    const handed = await Promise.all(members.map((member) => settled(member)));
    expectSaid(handed.flat(), ...["1", "2", "3", "4"].map((text) => `${topic}=${text} q1`));
    const owed = handed.map((packets) => packets.at(-1));
    for (const [index, packets] of handed.entries()) {
      members[index]?.send(...packets.slice(0, -1).map((packet) => acknowledge("puback", packet)));
    }
    return async () => {
      for (const [index, packet] of owed.entries()) {
        if (packet !== undefined) members[index]?.send(acknowledge("puback", packet));
      }
      await publishAll(publisher, topic, ["5", "6", "7", "8"]);
      const more = await Promise.all(members.map((member) => settled(member)));
      expectSaid(more.flat(), ...["5", "6", "7", "8"].map((text) => `${topic}=${text} q1`));
    };
  },
};

const kib = 1024;
const largePayload = "x".repeat(64 * kib);
/** More than the kernel takes for a socket whose other end does not read. */
const mostLargePayloads = 1_000;

const slowReader: SleepScene = {
  name: "a reader that was too slow and has drained",
  async play(stage) {
    const { topic, publisher, ephemeral } = await castOf(stage);
    await ephemeral.subscribe(0, topic);
    ephemeral.pause();
    let sent = 0;
    while ((await stage.count('dropped_total{reason="slow_consumer"}')) === 0) {
      if (sent >= mostLargePayloads) throw new Error("nothing was dropped for a client that does not read");
      for (let burst = 0; burst < 20; burst += 1) publisher.send(publish(topic, { payload: largePayload }));
      sent += 20;
      await settled(publisher);
    }
    ephemeral.resume();
    const seen = (await settled(ephemeral)).length;
    if (seen === 0 || seen >= sent) throw new Error(`${seen} of ${sent} came`);
    return async () => {
      publisher.send(publish(topic, { payload: "after the sleep" }));
      expectSaid(await takeAndAnswer(ephemeral, 1), `${topic}=after the sleep q0`);
    };
  },
};

const alarm: SleepScene = {
  name: "an alarm that published a delayed will and ended a session",
  async play(stage) {
    const { topic, ephemeral, publisher } = await castOf(stage);
    await ephemeral.subscribe(1, topic);
    const mortalId = stage.placement.clientOn(0, "mortal");
    const payload = Buffer.from("gone");
    const mortal = await stage.connect(mortalId, {
      protocolVersion: 5,
      will: { topic, payload, qos: 1, retain: false, properties: { willDelayInterval: 1 } },
      properties: { sessionExpiryInterval: 1 },
    });
    mortal.drop();
    expectSaid(await takeAndAnswer(ephemeral, 1), `${topic}=gone q1`);
    return async () => {
      await publishAll(publisher, topic, ["after the sleep"]);
      expectSaid(await takeAndAnswer(ephemeral, 1), `${topic}=after the sleep q1`);
    };
  },
};

const comings: SleepScene = {
  name: "a takeover, a farewell, a lost connection, a refused CONNECT and a drained queue",
  async play(stage) {
    const { topic, publisher, stored, durableId } = await castOf(stage);
    await stored.subscribe(1, topic);
    const next = await stage.connect(durableId, durable);
    await stored.closed();
    await next.end();
    const texts = Array.from({ length: 50 }, (_, n) => String(n));
    await publishAll(publisher, topic, texts);
    const last = await stage.connect(durableId, durable);
    expectSaid(await takeAndAnswer(last, texts.length), ...texts.map((text) => `${topic}=${text} q1`));
    (await stage.connectOn(2, "lost")).drop();
    const strange = { protocolVersion: 5, properties: { authenticationMethod: "none that exists" } } as const;
    const outcome = await stage.connectOn(2, "refused", strange).catch(String);
    if (typeof outcome !== "string") throw new Error("an unknown authentication method was let in");
    return async () => {
      await publishAll(publisher, topic, ["after the sleep"]);
      expectSaid(await takeAndAnswer(last, 1), `${topic}=after the sleep q1`);
    };
  },
};

const overHttp: SleepScene = {
  name: "publishes over HTTP, one under an idempotency key, and a subscriber of $SYS",
  async play(stage) {
    const { topic, ephemeral } = await castOf(stage);
    await ephemeral.subscribe(1, topic);
    const watcher = await stage.connectOn(1, "watcher");
    await watcher.subscribe(0, "$SYS/broker/version");
    expectSaid(await takeAndAnswer(watcher, 1), `$SYS/broker/version=durable-mqtt ${version} q0 retain`);
    const post = async (): Promise<number> => {
      const headers = { "idempotency-key": "the same" };
      return (await stage.fetch(`/topics/${topic}?qos=1`, { method: "POST", body: "posted", headers })).status;
    };
    if ((await post()) !== 200) throw new Error("the publish was refused");
    expectSaid(await takeAndAnswer(ephemeral, 1), `${topic}=posted q1`);
    await stage.fetch(`/topics/${topic}/kept`, { method: "PUT", body: "kept" });
    return async () => {
      if ((await post()) !== 200) throw new Error("the repeat was refused");
      expectSaid(await settled(ephemeral));
      const kept = await (await stage.fetch(`/topics/${topic}/kept`)).text();
      if (kept !== "kept") throw new Error(`the retained value is ${kept}`);
    };
  },
};

const retainedInReplay = 70;

const replay: SleepScene = {
  name: "a replay of retained messages that waits for its client",
  async play(stage) {
    const { topic, publisher, ephemeral, stored } = await castOf(stage);
    const topics = Array.from({ length: retainedInReplay }, (_, n) => `${topic}/${100 + n}`);
    await keepAll(publisher, topics, "kept");
    const clients = [ephemeral, stored];
    for (const client of clients) await client.subscribe(1, `${topic}/#`);
    const first = await Promise.all(clients.map((client) => settled(client)));
    return async () => {
      for (const [index, client] of clients.entries()) {
        const before = first[index] ?? [];
        client.send(...before.map((packet) => acknowledge("puback", packet)));
        const after = await takeAndAnswer(client, retainedInReplay - before.length);
        expectSaid([...before, ...after], ...topics.map((name) => `${name}=kept q1 retain`));
      }
    };
  },
};

/** The small version of test/large/hibernation.large.ts. */
const crowdSize = 100;

const crowd: SleepScene = {
  name: `a crowd of ${crowdSize} sockets, every second with a durable session`,
  async play(stage) {
    const all = await Crowd.gather(stage, { durableEach: 2, rounds: 1 });
    await all.growTo(crowdSize);
    return async () => {
      await all.wake();
      const [missed, closed] = [await all.missedByBroadcast(), all.closed];
      if (missed + closed > 0) throw new Error(`${missed} missed the broadcast, ${closed} connections were closed`);
    };
  },
};

/** The relay answers these PINGREQs, or the shard would not be idle for so long. */
const pingEveryMs = 3_000;

const pinging: SleepScene = {
  name: "clients that send PINGREQ to their relay",
  async play(stage) {
    const { topic, publisher, ephemeral } = await castOf(stage);
    await ephemeral.subscribe(1, topic);
    const timer = setInterval(() => void ephemeral.rest().catch(() => undefined), pingEveryMs);
    return async () => {
      clearInterval(timer);
      await publishAll(publisher, topic, ["after the sleep"]);
      expectSaid(await takeAndAnswer(ephemeral, 1), `${topic}=after the sleep q1`);
    };
  },
};

const scenes = [idleSessions, traffic, unanswered, sharedGroup, slowReader, alarm, comings, overHttp, replay, crowd];

export const scenesFor = (way: Stage["way"]): readonly SleepScene[] =>
  way === "relayed" ? [...scenes, pinging] : scenes;

/** A scene that has been played, to be looked at once after the wait. */
export interface PlayedScene {
  /** Wakes it by its own packets. Throws where anything is gone; whether every shard of the namespace had slept. */
  wake(): Promise<{ readonly hasSlept: boolean }>;
}

/** Every shard has a client that it counts: one that had none would be thought asleep. */
async function connectAnchors(stage: Stage): Promise<void> {
  for (let shard = 0; shard < stage.shards; shard += 1) await stage.connectOn(shard, "anchor");
}

export async function playScene(scene: SleepScene, stage: Stage): Promise<PlayedScene> {
  await connectAnchors(stage);
  const afterwards = await scene.play(stage);
  const counted = await whoSlept(stage);
  // On a slow machine the scene took so long that a shard slept in the middle, and counts nobody.
  if (counted.connectsSinceStart < counted.connections) await connectAnchors(stage);
  const { connections } = await whoSlept(stage);
  const { connects } = stage;
  return {
    wake: async () => {
      await afterwards();
      const after = await whoSlept(stage);
      const newConnects = stage.connects - connects;
      if (after.connections !== connections + newConnects) {
        throw new Error(`of ${connections + newConnects} connections ${after.connections} are left`);
      }
      return { hasSlept: after.connectsSinceStart === newConnects };
    },
  };
}
