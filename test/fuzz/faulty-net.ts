// Three cores whose calls to one another fail before or after they ran, run twice, or come late and out of order.

import type { Broker } from "../../src/core/broker.ts";
import type { ShardNet } from "../unit/core/shard-net.ts";

type Made = ShardNet["made"][number];

interface Flying {
  readonly made: Made;
  /** Whose it is: of one that has crashed nobody hears the answer. */
  readonly caller: Broker;
  /** It arrives when so many turns are over. */
  dueTurn: number;
}

export type CallFault = "refused" | "answer lost" | "twice" | "late";

/** Of so many calls about one has each fault. */
const callsPerFault = 12;
const longestDelayTurns = 4;

export class FaultyNet {
  readonly net: ShardNet;
  readonly counts: Record<CallFault, number> = { refused: 0, "answer lost": 0, twice: 0, late: 0 };
  isCalm = false;
  readonly #pick: (below: number) => number;
  #flying: Flying[] = [];
  #turn = 0;

  constructor(net: ShardNet, pick: (below: number) => number) {
    this.net = net;
    this.#pick = pick;
  }

  /** One flush of every shard, `look`, and then the calls that are due. True where something is on its way still. */
  turn(look: () => void): boolean {
    this.#turn += 1;
    for (const shard of [0, 1, 2]) this.net.flush(shard);
    look();
    for (const made of this.net.made.splice(0)) {
      this.#flying.push({ made, caller: this.net.at(made.from).broker, dueTurn: this.#turn + this.#delay() });
    }
    const due = this.#flying.filter(({ dueTurn }) => dueTurn <= this.#turn);
    this.#flying = this.#flying.filter(({ dueTurn }) => dueTurn > this.#turn);
    for (const call of due) this.#arrive(call);
    return due.length + this.#flying.length > 0;
  }

  #delay(): number {
    if (this.isCalm || this.#pick(callsPerFault) > 0) return 0;
    this.counts.late += 1;
    return 1 + this.#pick(longestDelayTurns);
  }

  #arrive({ made, caller }: Flying): void {
    const isHeard = this.net.at(made.from).broker === caller;
    const fault = this.isCalm ? undefined : faults[this.#pick(callsPerFault)];
    if (fault !== undefined) this.counts[fault] += 1;
    if (fault !== "refused") this.net.deliver(made, fault === "answer lost" || !isHeard);
    if (fault === "twice") this.net.deliver(made, true);
    const isFailed = fault === "refused" || fault === "answer lost";
    if (isFailed && isHeard) caller.onLinkFailure(made.to, made.call.id, true, this.net.at(made.from).nowMs);
  }

  crash(shard: number): void {
    this.net.at(shard).crash();
    this.net.at(shard).broker.links.resume();
  }

  /** Calls fail no more; time goes by until nothing happens. */
  comeToRest(look: () => void): void {
    this.isCalm = true;
    for (let round = 0; round < restRounds; round += 1) {
      this.settle(look);
      for (const scene of this.net.scenes) scene.pass(secondsPerRound);
    }
    this.settle(look);
  }

  /** Everything that can happen without time going by happens. */
  settle(look: () => void): void {
    for (let turns = 0; this.turn(look); turns += 1) {
      if (turns > mostTurns) throw new Error("the shards do not come to rest");
    }
  }
}

const mostTurns = 1_000;
const faults: readonly (CallFault | undefined)[] = ["refused", "answer lost", "twice"];
/** Longer than any pause between two tries, and than a shard is believed to have no free slot. */
const restRounds = 30;
const secondsPerRound = 5;
