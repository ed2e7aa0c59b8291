// Three cores with faults on every way between them and crashes: what is promised for durable sessions and for a shared
// group holds all the same. One publisher, one durable subscriber, a group with a durable member and ephemeral ones.

import { describe, expect, test } from "vitest";
import { randomOf } from "../support/random.ts";
import { ack, connect, publish1, publish2, subscribe, upTo, type Client } from "../support/scene.ts";
import { ShardNet } from "../unit/core/shard-net.ts";
import { FaultyNet } from "./faulty-net.ts";

const seeds = 24;
const steps = 250;
const [publisherAt, owner, subscriberAt] = [0, 1, 2] as const;
const limits = { maximumInflight: 4, maximumQueuedMessages: 10_000 };

interface Received {
  readonly payload: string;
  readonly qos: number;
}

/** A subscriber that obeys the standard: it knows what it has open, and answers in its own time. */
class Member {
  readonly id: string;
  readonly shard: number;
  readonly isDurable: boolean;
  client: Client | undefined;
  /** First deliveries, in order: what came again with the packet id of an open message is none. */
  readonly received: Received[] = [];
  /** QoS 1 messages that it has acknowledged. */
  readonly acknowledged = new Set<string>();
  readonly #open = new Map<number, Received>();
  #owed: (() => void)[] = [];

  constructor(id: string, shard: number, isDurable: boolean) {
    this.id = id;
    this.shard = shard;
    this.isDurable = isDurable;
  }

  lose(): void {
    this.client = undefined;
    this.#owed = [];
    if (!this.isDurable) this.#open.clear();
  }

  look(): void {
    const { client } = this;
    if (client === undefined) return;
    for (const line of client.lines()) {
      const [, payload, qos, id] = /^publish \S+?=(\S+) q(\d) #(\d+)/u.exec(line) ?? [];
      const [, released] = /^pubrel (\d+)/u.exec(line) ?? [];
      if (payload !== undefined) this.#onPublish(client, Number(id), { payload, qos: Number(qos) });
      if (released !== undefined) this.#onPubrel(client, Number(released));
    }
  }

  #onPublish(client: Client, id: number, message: Received): void {
    if (this.#open.get(id)?.payload !== message.payload) this.received.push(message);
    this.#open.set(id, message);
    this.#owed.push(() => {
      if (message.qos === 1) {
        this.#open.delete(id);
        this.acknowledged.add(message.payload);
      }
      client.send(ack(message.qos === 1 ? "puback" : "pubrec", id));
    });
  }

  #onPubrel(client: Client, id: number): void {
    this.#owed.push(() => {
      this.#open.delete(id);
      client.send(ack("pubcomp", id));
    });
  }

  get isOwing(): boolean {
    return this.#owed.length > 0;
  }

  answer(count: number): void {
    for (const run of this.#owed.splice(0, count)) run();
  }
}

class Life {
  readonly faulty: FaultyNet;
  readonly topic: string;
  readonly subscriber: Member;
  readonly group: readonly Member[];
  /** Acknowledged by PUBACK, or PUBREC. */
  readonly accepted: { readonly qos1: Set<string>; readonly qos2: Set<string> } = { qos1: new Set(), qos2: new Set() };
  crashes = 0;
  readonly #pick: (below: number) => number;
  #publisher: Client | undefined;
  #published = 0;

  constructor(seed: number) {
    this.#pick = randomOf(seed);
    const net = new ShardNet(limits);
    this.faulty = new FaultyNet(net, this.#pick);
    const { placement } = net;
    this.topic = placement.subtreeOn(owner);
    const member = (shard: number, isDurable: boolean): Member =>
      new Member(placement.clientOn(shard), shard, isDurable);
    this.subscriber = member(subscriberAt, true);
    this.group = [member(publisherAt, true), member(subscriberAt, false), member(owner, false)];
    this.faulty.isCalm = true; // until all are subscribed nothing is promised
    this.#come();
    this.faulty.settle(this.#look);
    this.faulty.isCalm = false;
  }

  get #members(): Member[] {
    return [this.subscriber, ...this.group];
  }

  readonly #look = (): void => {
    for (const member of this.#members) member.look();
    for (const line of this.#publisher?.lines() ?? []) {
      const [, kind, id] = /^(puback|pubrec) (\d+)/u.exec(line) ?? [];
      if (kind === "puback") this.accepted.qos1.add(`${id}`);
      if (kind !== "pubrec") continue;
      this.accepted.qos2.add(`${id}`);
      this.#publisher?.send(ack("pubrel", Number(id)));
    }
    if (this.#publisher?.isClosed === true) this.#publisher = undefined;
  };

  /** Whoever is away comes back; subscribing once more changes nothing for who had subscribed. */
  #come(): void {
    const { net } = this.faulty;
    for (const one of this.#members) {
      if (one.client !== undefined) continue;
      one.client = net.at(one.shard).open();
      one.client.send(connect(one.id, { cleanStart: !one.isDurable, keepAliveSec: 0 }));
      one.look();
      one.client.send(subscribe(2, one === this.subscriber ? this.topic : `$share/g/${this.topic}`));
    }
    this.#publisher ??= net.connect(publisherAt, { keepAliveSec: 0 });
  }

  step(): void {
    const choice = this.#pick(20);
    const one = this.#members[this.#pick(this.#members.length)] as Member;
    if (choice < 7) this.#publish();
    else if (choice < 14) one.answer(1 + this.#pick(3));
    else if (choice === 14) this.#come();
    else if (choice === 15) this.#drop(one);
    else if (choice === 16) this.#pass(1 + this.#pick(20));
    else if (choice === 17 && this.#pick(4) === 0) this.crash(this.#pick(3));
    this.faulty.turn(this.#look);
  }

  #publish(): void {
    const id = (this.#published += 1);
    const make = this.#pick(2) === 0 ? publish1 : publish2;
    this.#publisher?.send(make(this.topic, String(id), id));
  }

  #pass(seconds: number): void {
    for (const scene of this.faulty.net.scenes) scene.pass(seconds);
  }

  #drop(member: Member): void {
    member.client?.drop();
    member.lose();
  }

  crash(shard: number): void {
    this.crashes += 1;
    for (const member of this.#members) if (member.shard === shard) member.lose();
    if (shard === publisherAt) this.#publisher = undefined;
    this.faulty.crash(shard);
  }

  /** Everybody comes back, nothing fails any more, and all answer until nothing more comes. */
  finish(): void {
    this.faulty.comeToRest(this.#look);
    this.#come();
    this.faulty.comeToRest(this.#look);
    while (this.#members.some(({ isOwing }) => isOwing)) {
      for (const member of this.#members) member.answer(Infinity);
      this.faulty.settle(this.#look);
    }
  }

  /** What is not as it was promised. */
  faults(): string[] {
    const wrong: string[] = [];
    const { qos1, qos2 } = this.accepted;
    const counts = countsOf(this.subscriber.received);
    for (const payload of qos1) if (!counts.has(payload)) wrong.push(`QoS 1 ${payload} was lost`);
    for (const payload of qos2)
      if (counts.get(payload) !== 1) wrong.push(`QoS 2 ${payload}: ${counts.get(payload)} times`);
    const firsts = [...counts.keys()].map(Number);
    firsts.forEach((n, at) => {
      if (n < (firsts[at - 1] ?? 0)) wrong.push(`${n} after ${firsts[at - 1]}`);
    });
    const ofGroup = countsOf(this.group.flatMap(({ received }) => received.filter(({ qos }) => qos === 2)));
    for (const [payload, count] of ofGroup) if (count > 1) wrong.push(`the group had QoS 2 ${payload} ${count} times`);
    for (const payload of qos1) {
      if (!this.group.some(({ acknowledged }) => acknowledged.has(payload)))
        wrong.push(`the group lost QoS 1 ${payload}`);
    }
    return wrong;
  }
}

function countsOf(received: readonly Received[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { payload } of received) counts.set(payload, (counts.get(payload) ?? 0) + 1);
  return counts;
}

describe("three shards whose calls fail, run twice or come late, and which crash", () => {
  const total = { accepted: 0, crashes: 0, refused: 0, "answer lost": 0, twice: 0, late: 0 };

  test.each(upTo(seeds))("seed %i: nothing acknowledged is lost, QoS 2 comes once, in order", (seed) => {
    const life = new Life(seed);
    for (let step = 0; step < steps; step += 1) life.step();
    life.finish();
    expect(life.faults()).toEqual([]);
    total.accepted += life.accepted.qos1.size + life.accepted.qos2.size;
    total.crashes += life.crashes;
    for (const [fault, count] of Object.entries(life.faulty.counts)) total[fault as keyof typeof total] += count;
  });

  test("and that was under way when there was something to lose", () => {
    for (const count of Object.values(total)) expect(count).toBeGreaterThan(seeds);
  });
});
