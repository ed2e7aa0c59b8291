// All brokers of the bench, by the name that the command line has for them, and what each of them is measured for.

import { aedes } from "./aedes.ts";
import type { BrokerKind } from "./broker.ts";
import { durableMqtt } from "./durable-mqtt.ts";
import { mosquitto } from "./mosquitto.ts";
import { nats } from "./nats.ts";
import { nullBroker } from "./null-broker.ts";
import { rabbitmq } from "./rabbitmq.ts";

export const kinds = {
  "1-shard": durableMqtt("1 shard", { shards: 1 }),
  "1-shard-accept": durableMqtt("1 shard, accept()", { shards: 1, sockets: "accept" }),
  "3-shards": durableMqtt("3 shards", { shards: 3 }),
  null: nullBroker("null broker"),
  "null-accept": nullBroker("null broker, accept()", { sockets: "accept" }),
  "null-row": nullBroker("null broker, a row per flush", { writes: "row" }),
  mosquitto: mosquitto("Mosquitto", "as shipped"),
  "mosquitto-safe": mosquitto("Mosquitto, nothing lost", "nothing lost"),
  nats,
  rabbitmq,
  aedes: aedes("Aedes", "as shipped"),
  "aedes-level": aedes("Aedes on level", "nothing lost"),
} as const satisfies Readonly<Record<string, BrokerKind>>;

export type BrokerId = keyof typeof kinds;
export type Role = "own" | "ceiling" | "peer";

export const brokerIds = Object.keys(kinds) as BrokerId[];

export const roles: Readonly<Record<BrokerId, Role>> = {
  "1-shard": "own",
  "1-shard-accept": "own",
  "3-shards": "own",
  null: "ceiling",
  "null-accept": "ceiling",
  "null-row": "ceiling",
  mosquitto: "peer",
  "mosquitto-safe": "peer",
  nats: "peer",
  rabbitmq: "peer",
  aedes: "peer",
  "aedes-level": "peer",
};
