// Two cores that get the same packets from the same random clients, one of which sleeps every few steps. Whatever a
// client can see must be the same from both.

import { accessByRules } from "../../src/auth/acl.ts";
import { unrestricted } from "../../src/core/access.ts";
import { defaultFeatures } from "../../src/core/features.ts";
import type { PacketId } from "../../src/core/brand.ts";
import type { ClientPacket, Connect, Disconnect, MessageProperties, QoS } from "../../src/core/packet.ts";
import { randomOf } from "../support/random.ts";
import { ack, connect, disconnect, publish, request, unsubscribe, upTo, will, type Client } from "../support/scene.ts";
import { SleepingScene } from "../support/sleeping-scene.ts";

/** Steps between two sleeps. */
const stepsAwake = 5;
const sleepSec = 1;
/** Pumps and flushes until nothing moves any more. */
const settleRounds = 3;

const topics = ["t/a", "t/b", "t/c", "u", "t/long/topic"];
const filters = ["t/#", "t/a", "t/b", "u", "+/a", "#"];
/** Of it the ACL keeps the last client. */
const deniedTopic = "t/b";
const clientIds = ["c0", "c1", "c2", "c3"];

/** CONNECTs that differ in all that a sleep has to keep. */
const terms: readonly Partial<Connect>[] = [
  {
    protocolVersion: 5,
    cleanStart: false,
    properties: { sessionExpiryIntervalSec: 3600, receiveMaximum: 3, topicAliasMaximum: 2 },
  },
  {
    protocolVersion: 5,
    cleanStart: true,
    properties: { receiveMaximum: 2, topicAliasMaximum: 5 },
  },
  { protocolVersion: 4, cleanStart: false },
  {
    protocolVersion: 5,
    cleanStart: false,
    properties: { sessionExpiryIntervalSec: 100 },
    will: { ...will("t/w", "gone", { qos: 1 }), willDelayIntervalSec: 5 },
  },
  {
    protocolVersion: 5,
    cleanStart: true,
    properties: { sessionExpiryIntervalSec: 0xffff_ffff },
  },
  { protocolVersion: 4, cleanStart: true, will: will("t/a", "w") },
];

/**
 * Of clients that are always of MQTT 5 then, and get no topic aliases. A message that is too large is dropped when it
 * comes or when its turn comes, after a sleep rather the former: so what is too large once stays so.
 */
const packetSizes: ReadonlyMap<string, number> = new Map([
  ["c0", 60],
  ["c1", 45],
]);

function withPacketSize(chosen: Partial<Connect>, clientId: string): Partial<Connect> {
  const maximumPacketSize = packetSizes.get(clientId);
  if (maximumPacketSize === undefined) return chosen;
  return {
    ...chosen,
    protocolVersion: 5,
    properties: { ...chosen.properties, maximumPacketSize, topicAliasMaximum: 0 },
  };
}

const newCore = (): SleepingScene =>
  new SleepingScene({
    limits: { maximumInflight: 4, maximumQueuedMessages: 8, topicAliasMaximum: 3 },
    options: { features: defaultFeatures },
    access: (_, clientId) =>
      clientId === clientIds.at(-1)
        ? accessByRules([
            { access: "readwrite", topic: "#" },
            { access: "deny", topic: deniedTopic },
          ])
        : unrestricted,
  });

/** What is sent to the core that stays awake, and to the one that sleeps: packet identifiers may differ. */
type Pair<Type> = readonly [awake: Type, sleeper: Type];
const both = <Type>(one: Type): Pair<Type> => [one, one];

/** A client of both cores. */
interface Twin {
  readonly clientId: string;
  readonly terms: Partial<Connect>;
  readonly clients: Pair<Client>;
  /** Answers that it has not given yet. */
  readonly owed: Pair<ClientPacket>[];
  lastId: number;
}

export class TwinCores {
  readonly #cores: Pair<SleepingScene> = [newCore(), newCore()];
  readonly #random: (below: number) => number;
  readonly #twins = new Map<string, Twin>();
  readonly #log: string[] = [];
  #step = 0;

  constructor(seed: number) {
    this.#random = randomOf(seed);
  }

  /** What happened up to the first difference; `undefined` where there is none. */
  run(steps: number): readonly string[] | undefined {
    for (this.#step = 1; this.#step <= steps; this.#step += 1) {
      this.#act(this.#pick(clientIds));
      for (const core of this.#cores) settle(core);
      for (const twin of this.#twins.values()) if (!this.#compare(twin)) return this.#log;
      if (this.#step % stepsAwake === 0 && this.#cores.every(areReplaysKept)) this.#sleep();
    }
    return undefined;
  }

  #sleep(): void {
    const [awake, sleeper] = this.#cores;
    awake.save();
    sleeper.sleep();
    for (const core of this.#cores) {
      core.pass(sleepSec);
      settle(core);
    }
    this.#note("one of them sleeps");
  }

  #act(clientId: string): void {
    const twin = this.#twins.get(clientId);
    if (twin === undefined) this.#connect(clientId);
    else this.#oneOf(this.#actions)(twin);
  }

  readonly #actions: readonly (readonly [weight: number, action: (twin: Twin) => void])[] = [
    [7, (twin) => this.#publish(twin)],
    [6, (twin) => this.#answer(twin)],
    [2, (twin) => this.#subscribe(twin)],
    [1, (twin) => this.#send(twin, both(unsubscribe(this.#filterOf(twin))))],
    [1, (twin) => this.#drop(twin)],
    [1, (twin) => this.#disconnect(twin)],
    [1, () => this.#pass()],
    [1, () => this.#pingAll()],
  ];

  #oneOf<Type>(choices: readonly (readonly [weight: number, choice: Type])[]): Type {
    let left = this.#random(choices.reduce((sum, [weight]) => sum + weight, 0));
    for (const [weight, choice] of choices) {
      left -= weight;
      if (left < 0) return choice;
    }
    throw new Error("weights without a sum");
  }

  #pick<Type>(list: readonly Type[]): Type {
    return list[this.#random(list.length)] as Type;
  }

  /** True so many times in a hundred. */
  #chance(percent: number): boolean {
    return this.#random(100) < percent;
  }

  #connect(clientId: string): void {
    const chosen = withPacketSize(this.#pick(terms), clientId);
    const [awake, sleeper] = this.#cores;
    const twin = { clientId, terms: chosen, clients: [awake.open(), sleeper.open()], owed: [], lastId: 0 } as const;
    this.#twins.set(clientId, { ...twin, owed: [] });
    this.#send(twin, both(connect(clientId, chosen)));
  }

  #publish(twin: Twin): void {
    const qos = this.#random(3) as QoS;
    const payload = `m${this.#step}`.padEnd(this.#chance(30) ? 40 : 3);
    const packet = publish(this.#pick(topics), payload, {
      qos,
      retain: this.#chance(15),
      ...(qos > 0 && { packetId: (twin.lastId += 1) as PacketId }),
      ...(twin.terms.protocolVersion === 5 && { properties: this.#messageProperties() }),
    });
    if (qos === 2) twin.owed.push(both(ack("pubrel", twin.lastId)));
    this.#send(twin, both(packet));
  }

  #messageProperties(): MessageProperties {
    return {
      ...(this.#chance(20) && { messageExpiryIntervalSec: this.#random(4) }),
      ...(this.#chance(30) && { userProperties: [["k", "v".repeat(this.#random(30))]] }),
    };
  }

  /** One of the two that are owed longest. */
  #answer(twin: Twin): void {
    const [packets] = twin.owed.splice(this.#random(Math.min(2, twin.owed.length)), 1);
    if (packets !== undefined) this.#send(twin, packets);
  }

  #subscribe(twin: Twin): void {
    const filter = this.#filterOf(twin);
    const isV5 = twin.terms.protocolVersion === 5;
    const v5Options = {
      retainAsPublished: this.#chance(50),
      noLocal: this.#chance(30) && !filter.startsWith("$share/"),
      retainHandling: this.#random(3) as 0 | 1 | 2,
    };
    const subscription = { ...request(this.#random(3) as QoS, filter), ...(isV5 && v5Options) };
    const properties = isV5 && this.#chance(50) ? { subscriptionIdentifier: 1 + this.#random(100) } : undefined;
    const packetId = 60_000 as PacketId;
    this.#send(
      twin,
      both({ kind: "subscribe", packetId, subscriptions: [subscription], ...(properties && { properties }) }),
    );
  }

  /** A group has one member: whose turn it is in a larger one may be another's after a sleep. */
  #filterOf({ clientId }: Twin): string {
    return this.#chance(25) ? `$share/${clientId}/t/#` : this.#pick(filters);
  }

  #drop(twin: Twin): void {
    this.#note(`${twin.clientId} is lost`);
    for (const client of twin.clients) client.drop();
    this.#twins.delete(twin.clientId);
  }

  #disconnect(twin: Twin): void {
    this.#send(twin, both(twin.terms.protocolVersion === 5 ? this.#disconnectOfV5(twin) : disconnect));
    this.#twins.delete(twin.clientId);
  }

  #disconnectOfV5({ terms: { properties } }: Twin): Disconnect {
    const mayChangeExpiry = (properties?.sessionExpiryIntervalSec ?? 0) > 0;
    return {
      kind: "disconnect",
      reasonCode: this.#chance(50) ? 0x04 : 0x00,
      ...(mayChangeExpiry && this.#chance(30) && { properties: { sessionExpiryIntervalSec: this.#random(100) } }),
    };
  }

  #pass(): void {
    const seconds = this.#random(4);
    this.#note(`${seconds} s pass`);
    for (const core of this.#cores) core.pass(seconds);
  }

  #pingAll(): void {
    for (const twin of this.#twins.values()) this.#send(twin, both({ kind: "pingreq" }));
  }

  #send({ clientId, clients }: Pick<Twin, "clientId" | "clients">, packets: Pair<ClientPacket>): void {
    this.#note(`${clientId} sends ${show(packets[0])}`);
    clients[0].send(packets[0]);
    clients[1].send(packets[1]);
  }

  /** Takes what both clients were sent, and owes the answers to it. */
  #compare(twin: Twin): boolean {
    const [awake, sleeper] = [twin.clients[0].lines(), twin.clients[1].lines()];
    const isSame = awake.map(withoutId).join() === sleeper.map(withoutId).join();
    if (awake.length > 0 || !isSame) this.#note(`  ${twin.clientId} gets ${awake.join(" | ")}`);
    if (!isSame) this.#note(`  and from the one that sleeps ${sleeper.join(" | ")}`);
    for (const [index, line] of awake.entries()) this.#owe(twin, line, sleeper[index] ?? "");
    if (awake.includes("close")) this.#twins.delete(twin.clientId);
    return isSame;
  }

  #owe(twin: Twin, ...lines: Pair<string>): void {
    const refuses = twin.terms.protocolVersion === 5 && this.#chance(15);
    const [awake, sleeper] = lines.map((line) => answerTo(line, refuses));
    if (awake !== undefined && sleeper !== undefined) twin.owed.push([awake, sleeper]);
  }

  #note(line: string): void {
    this.#log.push(`${this.#step} ${line}`);
  }
}

/** While a session is off line a sleep keeps neither its replays of QoS 0 nor which of the others goes on first. */
const areReplaysKept = ({ broker }: SleepingScene): boolean =>
  [...broker.sessions.all()].every(
    ({ online, replays }) =>
      online !== undefined || (replays.size < 2 && [...replays.values()].every(({ qos }) => qos > 0)),
  );

function settle(core: SleepingScene): void {
  for (const _ of upTo(settleRounds)) {
    core.flush();
    core.pump();
  }
}

const isAboutOutgoing = /^(?:publish|pubrel)/u;

/** Which identifier the server gives to a message is its own affair. */
const withoutId = (line: string): string =>
  isAboutOutgoing.test(line) ? line.replace(/ #?\d+(?=[ /]|$)/u, " #") : line;

/** `refuses`: a PUBREC says that the message is not wanted. */
function answerTo(line: string, refuses: boolean): ClientPacket | undefined {
  const [, qos, id] = /^publish .* q(?<qos>[12]) #(?<id>\d+)/u.exec(line) ?? [];
  if (qos === "1") return ack("puback", Number(id));
  if (qos === "2") return { kind: "pubrec", packetId: Number(id) as PacketId, ...(refuses && { reasonCode: 0x83 }) };
  const [, released] = /^pubrel (?<id>\d+)/u.exec(line) ?? [];
  return released === undefined ? undefined : ack("pubcomp", Number(released));
}

const show = (packet: ClientPacket): string =>
  JSON.stringify(packet, (_, value: unknown) =>
    value instanceof Uint8Array ? new TextDecoder().decode(value) : value,
  );
