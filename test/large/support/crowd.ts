// A crowd: many idle clients of one namespace, durable ones among them, that sleep; and how long what wakes them takes.

import type { Packet } from "mqtt-packet";
import type { Stage } from "./stage.ts";
import { acknowledge, publish, said, type WireClient } from "./wire-client.ts";

export interface CrowdPlan {
  /** One member in so many is durable; 0: none. */
  readonly durableEach: number;
  /** How often it is woken at most: each wake takes an acknowledgement of those that are owed. */
  readonly rounds: number;
}

/** A PUBLISH to one member, QoS 0. */
export interface PublishTimes {
  /** Until it arrived (ms). */
  readonly clock: number;
  /** What the broker worked meanwhile (ms). */
  readonly processor: number;
}

/** What the client saw, in ms. */
export interface WakeTimes {
  readonly ping: number;
  readonly ephemeralAck: number;
  readonly durableAck: number;
  /** The index is rebuilt in between. */
  readonly firstPublish: PublishTimes;
  readonly nextPublish: PublishTimes;
}

const connectsAtOnce = 100;
/** Stays between two connections of its kind. */
const keepsQueue = { clean: false } as const;

export class Crowd {
  readonly #stage: Stage;
  readonly #plan: CrowdPlan;
  readonly #members: WireClient[] = [];
  readonly #ephemeral: Debtor;
  readonly #durable: Debtor;
  readonly #publisher: WireClient;
  #broadcasts = 0;

  /** The clients that every crowd has: a publisher, and two who owe acknowledgements. */
  static async gather(stage: Stage, plan: CrowdPlan): Promise<Crowd> {
    const publisher = await stage.connect("crowd-publisher");
    const ephemeral = await Debtor.make(stage, publisher, plan.rounds, true);
    const durable = await Debtor.make(stage, publisher, plan.rounds, false);
    return new Crowd(stage, plan, publisher, ephemeral, durable);
  }

  private constructor(stage: Stage, plan: CrowdPlan, publisher: WireClient, ephemeral: Debtor, durable: Debtor) {
    this.#stage = stage;
    this.#plan = plan;
    this.#publisher = publisher;
    this.#ephemeral = ephemeral;
    this.#durable = durable;
  }

  get #clients(): readonly WireClient[] {
    return [...this.#members, this.#publisher, this.#ephemeral.client, this.#durable.client];
  }

  /** Sockets in all. */
  get size(): number {
    return this.#clients.length;
  }

  /** Until it has so many sockets in all. Each new member has a subscription of its own and one that all have. */
  async growTo(size: number): Promise<void> {
    while (this.size < size) {
      const first = this.#members.length;
      const count = Math.min(connectsAtOnce, size - this.size);
      this.#members.push(...(await Promise.all(Array.from({ length: count }, (_, i) => this.#join(first + i)))));
    }
  }

  async #join(number: number): Promise<WireClient> {
    const { durableEach } = this.#plan;
    const isDurable = durableEach > 0 && number % durableEach === 0;
    const member = await this.#stage.connect(`crowd-member-${number}`, isDurable ? keepsQueue : {});
    await member.subscribe(1, `crowd/own/${number}/+`, "crowd/all");
    return member;
  }

  /** First what concerns one connection, then a PUBLISH. */
  async wake(): Promise<WakeTimes> {
    const [pinger] = this.#members;
    if (pinger === undefined) throw new Error("the crowd is empty");
    const ping = await elapsedMs(async () => {
      const answer = await pinger.ask({ cmd: "pingreq" });
      if (answer.cmd !== "pingresp") throw new Error(`no PINGRESP but ${said(answer)}`);
    });
    const ephemeralAck = await elapsedMs(() => this.#ephemeral.pay());
    const durableAck = await elapsedMs(() => this.#durable.pay());
    const firstPublish = await this.publishToOne();
    const nextPublish = await this.publishToOne();
    return { ping, ephemeralAck, durableAck, firstPublish, nextPublish };
  }

  async publishToOne(): Promise<PublishTimes> {
    const [receiver] = this.#members;
    const usedBefore = this.#stage.processorMs();
    const clock = await elapsedMs(async () => {
      this.#publisher.send(publish("crowd/own/0/x"));
      const packet = await receiver?.next();
      if (packet === undefined || said(packet) !== "crowd/own/0/x=x q0") throw new Error("the message did not come");
    });
    return { clock, processor: this.#stage.processorMs() - usedBefore };
  }

  /** A message to all; gives how many members did not get it exactly once, or got anything else. */
  async missedByBroadcast(): Promise<number> {
    const text = String((this.#broadcasts += 1));
    const puback = await this.#publisher.ask(publish("crowd/all", { payload: text, qos: 1, messageId: 1 }));
    if (puback.cmd !== "puback") throw new Error(`no PUBACK but ${said(puback)}`);
    const expected = `crowd/all=${text} q1`;
    const heard = await Promise.all(this.#members.map((member) => answeredRest(member)));
    return heard.filter((packets) => packets.length !== 1 || packets.map(said)[0] !== expected).length;
  }

  get closed(): number {
    return this.#clients.filter(({ isOpen }) => !isOpen).length;
  }

  async end(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.end()));
  }
}

/** All that has come for it by now, acknowledged. */
async function answeredRest(member: WireClient): Promise<Packet[]> {
  const packets = await member.rest();
  const owed = packets.filter((packet) => packet.cmd === "publish" && packet.qos === 1);
  if (owed.length > 0) member.send(...owed.map((packet) => acknowledge("puback", packet)));
  return packets;
}

/** A client that has QoS 2 messages and answers one of them at a time: to a PUBREC the broker has an answer to show. */
class Debtor {
  readonly client: WireClient;
  readonly #owed: Packet[];

  static async make(stage: Stage, publisher: WireClient, owed: number, clean: boolean): Promise<Debtor> {
    const name = `crowd-debtor-${clean ? "ephemeral" : "durable"}`;
    const client = await stage.connect(name, { clean });
    await client.subscribe(2, `crowd/${name}`);
    for (let messageId = 1; messageId <= owed; messageId += 1) {
      const pubrec = await publisher.ask(publish(`crowd/${name}`, { qos: 2, messageId }));
      await publisher.ask(acknowledge("pubrel", pubrec));
    }
    return new Debtor(client, await client.take(owed));
  }

  private constructor(client: WireClient, owed: Packet[]) {
    this.client = client;
    this.#owed = owed;
  }

  async pay(): Promise<void> {
    const packet = this.#owed.shift();
    if (packet?.cmd !== "publish") throw new Error("nothing is owed");
    const pubrel = await this.client.ask(acknowledge("pubrec", packet));
    if (pubrel.cmd !== "pubrel" || pubrel.messageId !== packet.messageId) throw new Error(`no PUBREL: ${said(pubrel)}`);
    this.client.send(acknowledge("pubcomp", packet));
  }
}

async function elapsedMs(work: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}
