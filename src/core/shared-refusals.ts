// As owner: which other shards have lately refused a topic of a shared group, since their members may not receive it.
// Without it one message would go to and fro between shards. Forgotten after a while: members and their rights change.

import type { TopicName } from "./brand.ts";

/** A shard is not asked again for at least so long, and at most for twice as long. */
const generationMs = 5_000;
/** Remembered of one group, in one generation. */
const maximumOfGroup = 1_000;
/** Remembered of all groups: every group with little rights could fill its own. */
const maximumOfAll = 20_000;

/** What all groups together remember. */
export class RefusalBudget {
  used = 0;

  get isSpent(): boolean {
    return this.used >= maximumOfAll;
  }
}

/** Of a shard: topic → whether no member there may receive it, as against none with a free slot. */
type Refused = Map<TopicName | typeof everyTopic, boolean>;
/** Stands for every topic of a shard that refused more than can be remembered. */
const everyTopic = "";

export class SharedRefusals {
  readonly #budget: RefusalBudget;
  #recent = new Map<number, Refused>();
  #older = new Map<number, Refused>();
  /** Old enough to be asked again: for one message, then it counts as refused until there is an answer. */
  #aged = new Map<number, Refused>();
  #startedMs = 0;

  constructor(budget: RefusalBudget) {
    this.#budget = budget;
  }

  get #isEmpty(): boolean {
    return this.#recent.size === 0 && this.#older.size === 0 && this.#aged.size === 0;
  }

  /** Not asked for this topic now. */
  isPassedOver(shard: number, topicName: TopicName): boolean {
    if (this.#isEmpty) return false;
    return this.#knows(this.#recent.get(shard), topicName) || this.#knows(this.#older.get(shard), topicName);
  }

  #knows(refused: Refused | undefined, topicName: TopicName): boolean {
    return refused !== undefined && (refused.has(topicName) || refused.has(everyTopic));
  }

  /** No member of the shard may receive it, whether or not it has a free slot. */
  isFinal(shard: number, topicName: TopicName): boolean {
    if (this.#isEmpty) return false;
    return (this.#recent.get(shard)?.get(topicName) ?? this.#older.get(shard)?.get(topicName)) === true;
  }

  /** A message is offered to the shard. What else there is of its topic waits for what becomes of it. */
  onOffered(shard: number, topicName: TopicName): void {
    const aged = this.#aged.get(shard);
    if (aged?.delete(topicName) !== true) return;
    this.#budget.used -= 1;
    this.#put(shard, topicName, false);
  }

  add(shard: number, topicName: TopicName, isFinal: boolean, nowMs: number): void {
    this.turn(nowMs);
    if (this.#isEmpty) this.#startedMs = nowMs;
    if (!this.#isFull) this.#put(shard, topicName, isFinal);
    else if (this.#isAlone(shard)) {
      this.#turn(nowMs);
      this.#put(shard, topicName, isFinal);
    } else {
      // What is forgotten too soon could go round between two shards for ever.
      this.#put(shard, everyTopic, false);
    }
  }

  get #isFull(): boolean {
    return this.#budget.isSpent || count(this.#recent) >= maximumOfGroup;
  }

  #isAlone(shard: number): boolean {
    return [...this.#recent.keys(), ...this.#older.keys()].every((other) => other === shard);
  }

  #put(shard: number, topicName: TopicName | typeof everyTopic, isFinal: boolean): void {
    const refused: Refused = this.#recent.get(shard) ?? new Map();
    this.#recent.set(shard, refused);
    if (!refused.has(topicName)) this.#budget.used += 1;
    refused.set(topicName, isFinal);
  }

  /** Somebody is there who was not asked, or nobody any more. */
  forget(shard: number): void {
    for (const generation of [this.#recent, this.#older, this.#aged]) {
      this.#budget.used -= generation.get(shard)?.size ?? 0;
      generation.delete(shard);
    }
  }

  /** Forgets what is old. True where anything may be asked once more. */
  turn(nowMs: number): boolean {
    if (this.#isEmpty || nowMs - this.#startedMs < generationMs) return false;
    let isAny = this.#older.size > 0;
    const isLong = nowMs - this.#startedMs >= 2 * generationMs;
    this.#turn(nowMs);
    if (!isLong) return isAny;
    isAny ||= this.#older.size > 0;
    this.#turn(nowMs);
    return isAny;
  }

  #turn(nowMs: number): void {
    this.#budget.used -= count(this.#aged);
    this.#aged = this.#older;
    this.#older = this.#recent;
    this.#recent = new Map();
    this.#startedMs = nowMs;
  }

  end(): void {
    for (const generation of [this.#recent, this.#older, this.#aged]) {
      this.#budget.used -= count(generation);
      generation.clear();
    }
  }
}

function count(generation: ReadonlyMap<number, Refused>): number {
  let total = 0;
  for (const refused of generation.values()) total += refused.size;
  return total;
}
