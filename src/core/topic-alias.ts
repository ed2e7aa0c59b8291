// Topic aliases (§3.3.2.3.4): numbers that stand for topic names on one network connection, each direction its own.

import { fail, ok, type Result, type TopicName } from "./brand.ts";
import { reasonCode } from "./reason-code.ts";
import { utf8Length } from "./topic.ts";
import { protocolError, refused, type Violation } from "./violation.ts";

/** What the client's numbers stand for. */
export class InboundAliases {
  readonly #maximum: number;
  readonly #names: Map<number, TopicName>;

  constructor(maximum: number, known: Iterable<readonly [number, TopicName]> = []) {
    this.#maximum = maximum;
    this.#names = new Map(known);
  }

  entries(): (readonly [alias: number, topicName: TopicName])[] {
    return [...this.#names];
  }

  /** The Topic Alias Maximum of our CONNACK holds [MQTT-3.3.2-8, MQTT-3.3.2-9]. */
  judge(alias: number): Violation | undefined {
    if (alias >= 1 && alias <= this.#maximum) return undefined;
    return refused(reasonCode.topicAliasInvalid, `topic alias ${alias} is out of range`, "MQTT-3.3.2-9");
  }

  /** True where the alias stood for something else. */
  set(alias: number, topicName: TopicName): boolean {
    const isNew = this.#names.get(alias) !== topicName;
    if (isNew) this.#names.set(alias, topicName);
    return isNew;
  }

  get(alias: number): Result<TopicName, Violation> {
    const known = this.#names.get(alias);
    return known === undefined ? fail(protocolError(`topic alias ${alias} stands for nothing`)) : ok(known);
  }
}

/** How a PUBLISH names its topic. */
export interface AliasUse {
  readonly topicAlias: number;
  /** The client knows the alias: the topic name is left empty. */
  readonly isTopicKnown: boolean;
}

/** The property that stands for a topic name is three bytes. */
const leastTopicBytes = 4;

/** Numbers that the server gives to the topics it sends, in the order of their first use; none is given anew. */
export class OutboundAliases {
  readonly #maximum: number;
  readonly #uses = new Map<TopicName, AliasUse>();

  /** `maximum`: the client's Topic Alias Maximum, or less [MQTT-3.1.2-26]. `known`: in the order of their numbers. */
  constructor(maximum: number, known: readonly TopicName[] = []) {
    this.#maximum = maximum;
    for (const topicName of known) this.assign(topicName);
  }

  get maximum(): number {
    return this.#maximum;
  }

  /** In the order of their numbers. */
  get topicNames(): readonly TopicName[] {
    return [...this.#uses.keys()];
  }

  known(topicName: TopicName): AliasUse | undefined {
    return this.#uses.get(topicName);
  }

  canAssign(topicName: TopicName): boolean {
    return this.#uses.size < this.#maximum && utf8Length(topicName) >= leastTopicBytes;
  }

  /** For the PUBLISH that tells the client; later ones find it with `known`. */
  assign(topicName: TopicName): AliasUse {
    const topicAlias = this.#uses.size + 1;
    this.#uses.set(topicName, { topicAlias, isTopicKnown: true });
    return { topicAlias, isTopicKnown: false };
  }
}
