// Topic names are parsed once: publishers repeat them.

import type { Result, TopicName } from "./brand.ts";
import type { Limits } from "./limits.ts";
import { parseTopicName } from "./topic.ts";
import type { Violation } from "./violation.ts";

/** More names than this and the cache starts anew. */
const maximumNames = 10_000;

export class TopicNames {
  readonly #limits: Limits;
  readonly #known = new Map<string, Result<TopicName, Violation>>();

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  parse(raw: string): Result<TopicName, Violation> {
    const known = this.#known.get(raw);
    if (known !== undefined) return known;
    const parsed = parseTopicName(raw, this.#limits);
    if (!parsed.ok) return parsed;
    if (this.#known.size >= maximumNames) this.#known.clear();
    this.#known.set(raw, parsed);
    return parsed;
  }
}
