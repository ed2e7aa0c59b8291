// What a month of some application is, and how it is given on the command line: `clients=1000 keepAliveSec=60 …`.

import { fail, ok, type Result } from "../../src/core/brand.ts";

export interface Workload {
  /** That are connected, each for `onlineShare` of the month. */
  readonly clients: number;
  readonly onlineShare: number;
  /** Of each client. */
  readonly connectsPerDay: number;
  readonly keepAliveSec: number;
  /** All messages that are published and all copies that are delivered, in an hour with traffic. */
  readonly publishesPerHour: number;
  readonly deliveriesPerHour: number;
  readonly payloadBytes: number;
  readonly qos: 0 | 1;
  /** Whether the receivers have durable sessions. */
  readonly durable: boolean;
  /** Clients that receive; their sessions share progress rows. */
  readonly receivers: number;
  /** Messages that are published together: one by one, or in bursts of 50 (over HTTP: 100 in a request). */
  readonly bursts: boolean;
  /** Messages are published over HTTP instead of MQTT. */
  readonly http: boolean;
  /** Clients come without `?clientId=`. At one shard there is no difference. */
  readonly relay: boolean;
  readonly shards: 1 | 3;
  /** Topics in use, which is what Ably calls channels. */
  readonly channels: number;
}

export interface Input {
  readonly default: number;
  readonly least: number;
  readonly most: number;
  readonly isWhole?: true;
  readonly says: string;
}

const most = 1e12;
const count = { least: 0, most, isWhole: true } as const;
const flag = { least: 0, most: 1, isWhole: true } as const;

/** Flags are 0 or 1. */
export const inputs: { readonly [Name in keyof Workload]: Input } = {
  clients: { ...count, default: 1_000, says: "clients that connect" },
  onlineShare: { default: 1, least: 0, most: 1, says: "share of the month in which they are connected, 0 to 1" },
  connectsPerDay: { default: 1, least: 0, most, says: "connects of each client a day" },
  keepAliveSec: { ...count, default: 60, says: "seconds between two PINGREQs of a client; 0: none" },
  publishesPerHour: { default: 10_000, least: 0, most, says: "messages published in an hour with clients on line" },
  deliveriesPerHour: { default: 10_000, least: 0, most, says: "copies delivered in such an hour" },
  payloadBytes: { ...count, default: 100, says: "bytes of a payload" },
  qos: { ...flag, default: 1, says: "0 or 1" },
  durable: { ...flag, default: 0, says: "1: receivers have durable sessions" },
  receivers: { ...count, default: 1_000, says: "clients that receive" },
  bursts: { ...flag, default: 0, says: "1: messages are published 50 at a time (HTTP: 100 in a request)" },
  http: { ...flag, default: 0, says: "1: messages are published over HTTP" },
  relay: { ...flag, default: 0, says: "1: clients come without ?clientId=" },
  shards: { default: 1, least: 1, most: 3, isWhole: true, says: "1 or 3: what was measured" },
  channels: { ...count, default: 1, says: "topics in use: Ably's channels" },
};

const inputNames = Object.keys(inputs) as (keyof Workload)[];

/** The error is one sentence. */
export function parseWorkload(words: readonly string[]): Result<Workload, string> {
  const values = new Map<string, number>(inputNames.map((name) => [name, inputs[name].default]));
  for (const word of words) {
    const [name = "", text = ""] = word.split("=", 2);
    const input = inputNames.includes(name as keyof Workload) ? inputs[name as keyof Workload] : undefined;
    if (input === undefined) return fail(`${word}: the inputs are ${inputNames.join(", ")}, each as NAME=NUMBER.`);
    const value = text === "" ? Number.NaN : Number(text);
    if (!isWithin(value, input)) return fail(`${name} is ${input.says}, and ${text || "nothing"} is not possible.`);
    values.set(name, value);
  }
  if (values.get("shards") === 2) return fail(`shards is ${inputs.shards.says}.`);
  return ok(workloadOf(values));
}

const isWithin = (value: number, { least, most: largest, isWhole }: Input): boolean =>
  value >= least && value <= largest && (isWhole !== true || Number.isInteger(value));

const flags: ReadonlySet<string> = new Set(["durable", "bursts", "http", "relay"] satisfies (keyof Workload)[]);

const workloadOf = (values: ReadonlyMap<string, number>): Workload =>
  Object.fromEntries(
    [...values].map(([name, value]) => [name, flags.has(name) ? value === 1 : value]),
  ) as unknown as Workload;

/** As it would be given on the command line, without what is at its default. */
export const wordsOf = (workload: Workload): string[] =>
  inputNames
    .filter((name) => Number(workload[name]) !== inputs[name].default)
    .map((name) => `${name}=${Number(workload[name])}`);
