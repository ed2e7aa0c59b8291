// The workloads of docs/costs.md.

import { parseWorkload, type Workload } from "./workload.ts";

export interface NamedWorkload {
  readonly title: string;
  readonly says: string;
  /** As on the command line. */
  readonly words: readonly string[];
  readonly workload: Workload;
}

const named = (title: string, says: string, words: string): NamedWorkload => {
  const list = words.split(" ");
  const parsed = parseWorkload(list);
  if (!parsed.ok) throw new Error(parsed.error);
  return { title, says, words: list, workload: parsed.value };
};

export const workloads: readonly NamedWorkload[] = [
  named(
    "Browsers, own messages",
    "1,000 browsers on line all month, PINGREQ each 60 s, ten QoS 1 messages an hour for each, published one by one over HTTP",
    "clients=1000 keepAliveSec=60 publishesPerHour=10000 deliveriesPerHour=10000 http=1 channels=1000",
  ),
  named(
    "Browsers, the same for all",
    "the same 1,000 browsers, the ten messages an hour go to all of them",
    "clients=1000 keepAliveSec=60 publishesPerHour=10 deliveriesPerHour=10000 http=1",
  ),
  named(
    "Dashboards",
    "500 viewers for a third of the month, a QoS 0 value of 200 bytes each second to all of them, published over MQTT",
    "clients=500 onlineShare=0.3333 connectsPerDay=3 publishesPerHour=3600 deliveriesPerHour=1800000 qos=0 receivers=500 payloadBytes=200",
  ),
  named(
    "Chat",
    "2,000 users in 100 rooms of 20, on line for a third of the month, durable sessions, QoS 1, 20 messages an hour of each",
    "clients=2000 onlineShare=0.3333 connectsPerDay=5 publishesPerHour=40000 deliveriesPerHour=800000 durable=1 receivers=2000 channels=100",
  ),
  named(
    "Sensors",
    "10,000 sensors, a QoS 1 message each 5 minutes, PINGREQ each 5 minutes, one back end with a durable session",
    "clients=10000 keepAliveSec=300 publishesPerHour=120000 deliveriesPerHour=120000 durable=1 receivers=1",
  ),
];
