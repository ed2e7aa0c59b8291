// Three shards, with the topics' owner in the middle, and a shared group whose members have rights of their own.

import { accessByRules } from "../../../src/auth/acl.ts";
import { unrestricted, type Access } from "../../../src/core/access.ts";
import { unpackBatch } from "../../../src/core/link-batch.ts";
import type { KnownEntry } from "../../../src/core/link-entry.ts";
import type { QoS } from "../../../src/core/packet.ts";
import { ack, connect, publish, publish1, publish2, subscribe, type Client } from "../../support/scene.ts";
import { ShardNet } from "./shard-net.ts";

/** Where the members' shards and the topics' owner are. */
export const [x, owner, y] = [0, 1, 2] as const;

/** A user's name is the level below the subtree that it may read; `all` reads everything. */
const accessOf =
  (asked: string[] = []) =>
  (username: string | undefined): Access => {
    if (username === undefined || username === "all") return unrestricted;
    const rules = accessByRules([{ access: "read", topic: `+/${username}/#` as never }]);
    const mayReceive: Access["mayReceive"] = (topicName) => {
      asked.push(`${username} ${topicName}`);
      return rules.mayReceive(topicName);
    };
    return { ...rules, mayReceive };
  };

export class World {
  readonly asked: string[] = [];
  readonly net: ShardNet;
  readonly subtree: string;
  readonly filter: string;
  readonly publisher: Client;
  #lastId = 0;

  constructor(limits: ConstructorParameters<typeof ShardNet>[0] = {}) {
    this.net = new ShardNet(limits, accessOf(this.asked));
    this.subtree = this.net.placement.subtreeOn(owner);
    this.filter = `$share/g/${this.subtree}/#`;
    this.publisher = this.net.connect(owner);
  }

  /** Comes on line; what it gets is kept. `id`: of a session that stays. */
  back(shard: number, username: string, id?: string): Client {
    const client = this.net.at(shard).open();
    const clientId = id ?? this.net.placement.clientOn(shard);
    this.net.send(client, connect(clientId, { username, cleanStart: id === undefined }));
    return client;
  }

  join(shard: number, username: string, qos: QoS = 1, id?: string): Client {
    const member = this.back(shard, username, id);
    this.net.send(member, subscribe(qos, this.filter));
    member.take();
    return member;
  }

  /** Everything that can happen without time going by has happened then. */
  publish(qos: QoS, below: string, payload: string): void {
    const [topicName, id] = [`${this.subtree}/${below}`, (this.#lastId += 1)];
    const make = { 0: publish, 1: publish1, 2: publish2 }[qos];
    this.net.send(this.publisher, make(topicName, payload, id));
    if (qos === 2) this.net.send(this.publisher, ack("pubrel", id));
  }

  /** The answers to what was published. */
  answers(): string[] {
    return this.publisher.lines();
  }

  /** What was refused so far on all shards. */
  get denied(): number {
    return this.dropped("not_authorized");
  }

  dropped(reason: "not_authorized" | "queue_full"): number {
    const counts = this.net.scenes.map(({ broker }) => broker.counters.dropped.get(reason) ?? 0);
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /** Entries of a kind that were sent so far, repeats included. */
  count(kind: KnownEntry["kind"]): number {
    const entries = this.net.history.flatMap(({ call }) => unpackBatch(call.bytes)?.items ?? []);
    return entries.filter(({ entry }) => entry.kind === kind).length;
  }
}

interface Got {
  readonly payload: string;
  readonly id: number;
}

export function got(client: Client): Got[] {
  return client.lines().flatMap((line) => {
    const [, payload, id] = /^publish [^=]*=(\S+) q\d(?: #(\d+))?/u.exec(line) ?? [];
    return payload === undefined ? [] : [{ payload, id: Number(id ?? 0) }];
  });
}

export const payloads = (client: Client): string[] => got(client).map(({ payload }) => payload);
