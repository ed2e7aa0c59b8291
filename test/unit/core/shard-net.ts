// Three cores with their links between them and nothing in between: calls are made, answered or lost when a test says so.

import type { Call } from "../../../src/core/link-window.ts";
import { defaultFeatures } from "../../../src/core/features.ts";
import type { Limits } from "../../../src/core/limits.ts";
import type { ClientPacket } from "../../../src/core/packet.ts";
import { Placement } from "../../support/placement.ts";
import { Scene, type Client, type SceneOptions } from "../../support/scene.ts";

interface Made {
  readonly from: number;
  readonly to: number;
  readonly call: Call;
}

const lives = { count: 0 };

export class ShardNet {
  readonly placement = new Placement(3);
  readonly scenes: readonly Scene[];
  /** Calls that are made and have not been delivered. */
  readonly made: Made[] = [];
  /** Every call that was ever made. */
  readonly history: Made[] = [];
  /** Calls between these two fail. */
  isCut = (_from: number, _to: number): boolean => false;

  constructor(limits: Partial<Limits> = {}, access?: SceneOptions["access"]) {
    const { layout } = this.placement;
    this.scenes = [0, 1, 2].map((shardIndex) => {
      const options = {
        shardIndex,
        features: defaultFeatures,
        get incarnation(): number {
          return (lives.count += 1);
        },
      };
      return new Scene({ limits, layout, options, ...(access && { access }) });
    });
    for (const scene of this.scenes) scene.wake();
  }

  at(shard: number): Scene {
    const scene = this.scenes[shard];
    if (scene === undefined) throw new Error(`there is no shard ${shard}`);
    return scene;
  }

  connect(shard: number, more: Parameters<Scene["connect"]>[1] = {}): Client {
    return this.at(shard).connect(this.placement.clientOn(shard), more);
  }

  /** One flush of a shard; gives the calls that it made. */
  flush(shard: number): Made[] {
    const scene = this.at(shard);
    const calls: Made[] = [];
    scene.effects.callShard = (to: number, call: Call): void => void calls.push({ from: shard, to, call });
    scene.flush();
    scene.pump();
    this.made.push(...calls);
    this.history.push(...calls);
    return calls;
  }

  /** Delivers a call; its answer comes with a flush of the other shard. `isLost`: the answer is. */
  deliver({ from, to, call }: Made, isLost = false): void {
    const [source, target] = [this.at(from), this.at(to)];
    const { broker } = source;
    target.broker.onLinkBatch(
      call.bytes,
      (answer) => {
        // Of a life that has ended nobody waits any more.
        if (!isLost && broker === this.at(from).broker) broker.onLinkAnswer(to, call.id, answer, source.nowMs);
      },
      target.nowMs,
    );
  }

  /** Everything that can happen without time going by happens. */
  settle(): void {
    let isBusy = true;
    while (isBusy) {
      for (const shard of [0, 1, 2]) this.flush(shard);
      const calls = this.made.splice(0);
      isBusy = calls.length > 0;
      for (const made of calls) {
        const { from, to, call } = made;
        if (this.isCut(from, to)) this.at(from).broker.onLinkFailure(to, call.id, true, this.at(from).nowMs);
        else this.deliver(made);
      }
      // What was answered in the last round is written.
      if (!isBusy) for (const shard of [0, 1, 2]) isBusy = this.flush(shard).length > 0 || isBusy;
    }
  }

  /** Seconds go by for all. */
  pass(seconds: number): void {
    for (const scene of this.scenes) scene.pass(seconds);
    this.settle();
  }

  send(client: Client, ...packets: ClientPacket[]): void {
    client.send(...packets);
    this.settle();
  }
}
