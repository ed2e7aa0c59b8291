// As owner: the other shards with members of a shared group, and what is known of those members.

import type { TopicName } from "./brand.ts";
import { SharedRefusals, type RefusalBudget } from "./shared-refusals.ts";

/** That a shard has no free slot is believed for so long: a crash may have taken its members without a word. */
const busyMs = 60_000;
/** Others wait so long for the answer of a shard that was asked: what waits goes to all in turn then. */
const answerWithinMs = 1_000;

interface ShardState {
  readonly shard: number;
  /** One of its members has a free slot, as far as is known. */
  isReady: boolean;
  /** When it was said, or last tried in vain, that it has none. */
  busySinceMs: number;
  /** One of its members has a session that outlives its connection. */
  isDurable: boolean;
  /** The outbox for it is full. */
  isBlocked: boolean;
  /**
   * It has said nothing since this owner started, so it is asked first: a queue whose members are all away would go there
   * as a whole and come back. `asked`: its answer is on the way.
   */
  question: "none" | "due" | "asked";
  /** When it was asked (epoch ms). */
  askedAtMs: number;
}

const isOpen = ({ isReady, isBlocked }: ShardState): boolean => isReady && !isBlocked;
const isFree = (state: ShardState): boolean => isOpen(state) && state.question !== "asked";

export class SharedShards {
  readonly #states = new Map<number, ShardState>();
  readonly #refusals: SharedRefusals;

  constructor(budget: RefusalBudget) {
    this.#refusals = new SharedRefusals(budget);
  }

  get isEmpty(): boolean {
    return this.#states.size === 0;
  }

  get isDurable(): boolean {
    for (const { isDurable } of this.#states.values()) if (isDurable) return true;
    return false;
  }

  /**
   * It has registered the group's filter. `isJoined`: for a member that has just come; else only what it says itself
   * changes what is known of its free slots, or a whole queue would go to it and come back.
   */
  set(shard: number, isDurable: boolean, isJoined: boolean): void {
    const known = this.#states.get(shard);
    // Members that are ephemeral are there, or they are none.
    const question = isJoined || !isDurable ? "none" : "due";
    const fresh: ShardState = {
      shard,
      isReady: true,
      busySinceMs: 0,
      isDurable,
      isBlocked: false,
      question,
      askedAtMs: 0,
    };
    if (known === undefined) this.#states.set(shard, fresh);
    else Object.assign(known, { isDurable, ...(isJoined && { isReady: true, question }) });
  }

  /**
   * What a shard says of its members; of one whose route has ended it says nothing any more. That it is ready although
   * it was: somebody is ready who was not when it refused a message.
   */
  onState(shard: number, isReady: boolean, nowMs: number): void {
    const known = this.#states.get(shard);
    if (known === undefined) return;
    if (isReady && known.isReady) {
      this.#refusals.forget(shard);
      this.#states.set(shard, { ...known, question: "none" }); // a new one, for which nothing was tried in vain
      return;
    }
    known.isReady = isReady;
    known.question = "none";
    known.busySinceMs = nowMs;
  }

  /** False where it was not there. */
  remove(shard: number): boolean {
    if (!this.#states.delete(shard)) return false;
    this.#refusals.forget(shard);
    return true;
  }

  /** No member of the shard may receive the topic; `isFinal`: not even one that has no free slot now. */
  onRefused(shard: number, topicName: TopicName, isFinal: boolean, nowMs: number): void {
    if (this.#states.has(shard)) this.#refusals.add(shard, topicName, isFinal, nowMs);
  }

  onOffered(shard: number, topicName: TopicName, nowMs: number): void {
    this.#refusals.onOffered(shard, topicName);
    const known = this.#states.get(shard);
    if (known?.isReady === false) known.busySinceMs = nowMs; // only tried: one message is enough
  }

  /** It has answered; where it said nothing of its members, it is a version that says only what changes. */
  onAnswered(shard: number): boolean {
    const known = this.#states.get(shard);
    if (known?.question !== "asked") return false;
    known.question = "none";
    return true;
  }

  /** The outbox for the shard is full: nothing is offered to it until `unblock`. */
  block(shard: number): void {
    const known = this.#states.get(shard);
    if (known !== undefined) known.isBlocked = true;
  }

  /** True where some shard was blocked that `hasRoom` again. */
  unblock(hasRoom: (shard: number) => boolean): boolean {
    let isAny = false;
    for (const state of this.#states.values()) {
      if (!state.isBlocked || !hasRoom(state.shard)) continue;
      state.isBlocked = false;
      isAny = true;
    }
    return isAny;
  }

  get isBlocked(): boolean {
    for (const { isBlocked } of this.#states.values()) if (isBlocked) return true;
    return false;
  }

  /** Forgets old refusals. True where anything may be asked once more. */
  turn(nowMs: number): boolean {
    return this.#refusals.turn(nowMs);
  }

  /** Asks those of which nothing is known. True while an answer is to be waited for: else all would go to who is known. */
  isAsking(nowMs: number, ask: (shard: number) => void): boolean {
    let isWaiting = false;
    for (const state of this.#states.values()) {
      if (!isOpen(state)) continue;
      if (state.question === "due") {
        state.question = "asked";
        state.askedAtMs = nowMs;
        ask(state.shard);
      }
      if (state.question === "asked" && nowMs - state.askedAtMs < answerWithinMs) isWaiting = true;
    }
    return isWaiting;
  }

  /** Those to which such a message may be offered. `isTrying`: also to those that were busy long ago. */
  candidates(topicName: TopicName, nowMs: number, isTrying: boolean): number[] {
    const found: number[] = [];
    for (const state of this.#states.values()) {
      const isTried = isTrying && !state.isBlocked && nowMs - state.busySinceMs >= busyMs;
      const isAsked = (isTrying ? isFree(state) : isOpen(state)) || (isTried && !state.isReady);
      if (isAsked && !this.#refusals.isPassedOver(state.shard, topicName)) found.push(state.shard);
    }
    return found;
  }

  /** A shard that is ready has refused such a message. */
  hasPassedOver(topicName: TopicName): boolean {
    for (const state of this.#states.values()) {
      if (isOpen(state) && this.#refusals.isPassedOver(state.shard, topicName)) return true;
    }
    return false;
  }

  /** Somebody at one of the shards may receive it, now or later, as far as is known. */
  mayTake(topicName: TopicName): boolean {
    for (const shard of this.#states.keys()) if (!this.#refusals.isFinal(shard, topicName)) return true;
    return false;
  }

  /** Stand for what each shard could take now. */
  get ready(): object[] {
    return [...this.#states.values()].filter(isFree);
  }

  end(): void {
    this.#refusals.end();
  }
}
