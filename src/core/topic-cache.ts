// What was worked out for topic names, for as long as what it was worked out from is the same.

import type { TopicName } from "./brand.ts";

/** More names than this and the cache starts anew: a bound on memory, not on speed. */
const maximumNames = 10_000;

export class TopicCache<Value> {
  readonly #values = new Map<TopicName, Value>();
  #state: unknown;

  /** `state` is compared by identity: another one, and nothing is known any more. */
  get(topicName: TopicName, state: unknown): Value | undefined {
    if (state !== this.#state) {
      this.#values.clear();
      this.#state = state;
    }
    return this.#values.get(topicName);
  }

  /** In the state that was last asked with. */
  set(topicName: TopicName, value: Value): Value {
    if (this.#values.size >= maximumNames) this.#values.clear();
    this.#values.set(topicName, value);
    return value;
  }
}
