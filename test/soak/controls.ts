// Builds of the fault worker with one mistake each, and a world that shows it soon: what the harness must catch.

import type { Replacement } from "./build-fault-worker.ts";
import type { CallFault } from "./fault-protocol.ts";
import type { Weights } from "./world.ts";

export interface Control {
  readonly what: string;
  readonly shards: 1 | 3;
  readonly weights: Partial<Weights>;
  /** Default: any. */
  readonly callFaults?: readonly CallFault[];
  readonly replacement: Replacement;
}

/** What is lost never comes: a settlement of a control need not wait as long as an honest one may have to. */
export const controlSettlesWithinMs = 6_000;

/** Many crashes and many settlements: what is lost shows at the next one. */
const crashing: Partial<Weights> = { leave: 14, arrive: 8, subscribe: 12, settle: 6, kill: 8, abort: 8 };
/** Nobody is lost, nobody leaves: the rest is for what is drawn here. */
const calm: Partial<Weights> = {
  publish: 60,
  leave: 1,
  drop: 1,
  "take over": 1,
  "start clean": 0,
  pause: 4,
  settle: 6,
  kill: 0,
  abort: 0,
  "evict, sockets kept": 0,
  "evict, sockets closed": 0,
  "call faults": 0,
};
/** Windows are full, queues gather, and subscriptions change. */
const changing: Partial<Weights> = { ...calm, "change under a backlog": 40 };
/** The same, and shards are lost. */
const holding: Partial<Weights> = { ...changing, abort: 8 };
/** Calls fail, are late and overtaken. */
const calling: Partial<Weights> = { ...calm, "call faults": 40 };
/** Shards are lost, seldom enough that the others go on as if nothing had been. */
const losing: Partial<Weights> = { ...calm, settle: 10, abort: 5 };

export const controls: readonly Control[] = [
  {
    what: "an acknowledgement before the write",
    shards: 1,
    weights: crashing,
    replacement: {
      file: "objects/flush.ts",
      text: "const isWritten = this.#port.isDirty() && this.#port.write();",
      by: "const isWritten = false; setTimeout(() => this.#port.isDirty() && this.#port.write(), 400);",
    },
  },
  {
    what: "a lost flush",
    shards: 1,
    weights: crashing,
    replacement: {
      file: "objects/flush.ts",
      text: "const isWritten = this.#port.isDirty() && this.#port.write();",
      by: "const isWritten = this.#port.isDirty() && (Math.random() < 0.7 || this.#port.write());",
    },
  },
  {
    what: "a link number forgotten",
    shards: 3,
    weights: calling,
    callFaults: ["ends-after", "fails-before"],
    replacement: { file: "core/link-receiver.ts", text: "port.storeDurable(this.#lastDurable);", by: "" },
  },
  {
    what: "a batch applied out of sequence",
    shards: 3,
    weights: calling,
    replacement: {
      file: "core/link-receiver.ts",
      text: "if (batch.n > this.#next) {",
      by: `if (batch.n > this.#next) {
        const early: Taken[] = [];
        return { taken: early, replies: this.#take(batch, call, early) };`,
    },
  },
  {
    what: "a route dropped",
    shards: 3,
    weights: losing,
    replacement: {
      file: "core/link-routes.ts",
      text: "new RouteTable(this.#store.routes(), this.#store.floors())",
      by: "new RouteTable(this.#store.routes().slice(0, 1), this.#store.floors())",
    },
  },
  {
    what: "a cursor moved too far",
    shards: 1,
    weights: holding,
    replacement: {
      file: "core/outbound-stored.ts",
      text: "acknowledgedTo: this.#acknowledgedTo,",
      by: "acknowledgedTo: (this.#acknowledgedTo + 3) as Position,",
    },
  },
  {
    what: "an audience recomputed at read time",
    shards: 1,
    weights: changing,
    replacement: {
      file: "core/outbound-stored.ts",
      text: "const entry = this.#broker.log.next(this.#session.number, this.#cursor);",
      by: `let entry: LogEntry | undefined;
      for (const { position, message, audience, size } of this.#broker.log.entriesAfter(this.#cursor)) {
        const { deliveries } = this.#broker.plans.get(message.topicName);
        const wanted = deliveries.find(({ session }) => session === this.#session);
        const kept = audience.get(this.#session.number);
        // What a group handed over, and replays, are for this session alone.
        const own = kept?.retain === true || deliveries.length === 0 ? kept : wanted;
        const qos = Math.min(own?.qos ?? 0, message.qos) as QoS;
        if (qos > 0) entry = { position, message, size, qos: qos as 1 | 2, retain: kept?.retain ?? false };
        if (entry !== undefined) break;
      }`,
    },
  },
];
