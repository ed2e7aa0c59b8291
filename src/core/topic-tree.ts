// Values by topic filter: a trie over levels. A match walks one step per level and touches nothing of filters that do
// not match. Lean, because 100,000 subscriptions live in an object's 128 MB: most nodes have one child or one value,
// and a Map of one costs several times the node.

import type { TopicFilter, TopicName } from "./brand.ts";
import { isHidden } from "./topic.ts";

/** Values of one filter by key. The first sits in the object itself, a Map comes with the second. */
class Entries<Value> {
  readonly #key: number;
  #value: Value | undefined;
  #all: Map<number, Value> | undefined;

  constructor(key: number, value: Value) {
    this.#key = key;
    this.#value = value;
  }

  /** True where the key is new. */
  set(key: number, value: Value): boolean {
    if (this.#all !== undefined) {
      const before = this.#all.size;
      return this.#all.set(key, value).size > before;
    }
    if (key !== this.#key) {
      this.#all = new Map([
        [this.#key, this.#value as Value],
        [key, value],
      ]);
      this.#value = undefined;
      return true;
    }
    this.#value = value;
    return false;
  }

  /** Undefined where there is no such key, else whether anything is left. */
  delete(key: number): "empty" | "left" | undefined {
    if (this.#all === undefined) return key === this.#key ? "empty" : undefined;
    if (!this.#all.delete(key)) return undefined;
    return this.#all.size === 0 ? "empty" : "left";
  }

  appendTo(values: Value[]): void {
    if (this.#all === undefined) values.push(this.#value as Value);
    else for (const value of this.#all.values()) values.push(value);
  }
}

class Node<Value> {
  /** Values of the filter that ends here. */
  here: Entries<Value> | undefined = undefined;
  /** Values of the filter that ends with `#` below this level. */
  hash: Entries<Value> | undefined = undefined;
  plus: Node<Value> | undefined = undefined;
  /** The only literal child and its level, until a second one comes. */
  onlyLevel = "";
  only: Node<Value> | undefined = undefined;
  literals: Map<string, Node<Value>> | undefined = undefined;

  child(level: string): Node<Value> | undefined {
    if (level === "+") return this.plus;
    return this.literal(level);
  }

  literal(level: string): Node<Value> | undefined {
    if (this.literals !== undefined) return this.literals.get(level);
    return this.only !== undefined && this.onlyLevel === level ? this.only : undefined;
  }

  grow(level: string): Node<Value> {
    const found = this.child(level);
    if (found !== undefined) return found;
    const node = new Node<Value>();
    if (level === "+") this.plus = node;
    else this.#addLiteral(level, node);
    return node;
  }

  #addLiteral(level: string, node: Node<Value>): void {
    if (this.literals !== undefined) {
      this.literals.set(level, node);
    } else if (this.only === undefined) {
      this.onlyLevel = level;
      this.only = node;
    } else {
      this.literals = new Map([
        [this.onlyLevel, this.only],
        [level, node],
      ]);
      this.onlyLevel = "";
      this.only = undefined;
    }
  }

  prune(level: string): void {
    if (level === "+") {
      this.plus = undefined;
    } else if (this.literals === undefined) {
      this.onlyLevel = "";
      this.only = undefined;
    } else {
      this.literals.delete(level);
      if (this.literals.size === 0) this.literals = undefined;
    }
  }

  get isEmpty(): boolean {
    return (
      this.here === undefined &&
      this.hash === undefined &&
      this.plus === undefined &&
      this.only === undefined &&
      this.literals === undefined
    );
  }
}

export class TopicTree<Value> {
  readonly #root = new Node<Value>();
  #size = 0;
  #generation = 0;

  /** How many (filter, key) pairs there are. */
  get size(): number {
    return this.#size;
  }

  /** Rises at each change: what was worked out from a match holds while this stays the same. */
  get generation(): number {
    return this.#generation;
  }

  /** Adds a value under (filter, key), or replaces it. */
  set(filter: TopicFilter, key: number, value: Value): void {
    const levels = filter.split("/");
    const slot = slotOf(levels);
    if (slot === "hash") levels.pop();
    let node = this.#root;
    for (const level of levels) node = node.grow(level);
    const entries = node[slot];
    if (entries === undefined) node[slot] = new Entries(key, value);
    if (entries === undefined || entries.set(key, value)) this.#size += 1;
    this.#generation += 1;
  }

  /** Removes the value under (filter, key); false where there is none. */
  delete(filter: TopicFilter, key: number): boolean {
    const levels = filter.split("/");
    const slot = slotOf(levels);
    if (slot === "hash") levels.pop();
    const path = this.#pathOf(levels);
    const node = path?.at(-1);
    const left = node?.[slot]?.delete(key);
    if (path === undefined || node === undefined || left === undefined) return false;
    this.#size -= 1;
    this.#generation += 1;
    if (left === "empty") {
      node[slot] = undefined;
      prune(path, levels);
    }
    return true;
  }

  /** Whether any key has a value under exactly this filter. */
  hasFilter(filter: TopicFilter): boolean {
    const levels = filter.split("/");
    const slot = slotOf(levels);
    if (slot === "hash") levels.pop();
    return this.#pathOf(levels)?.at(-1)?.[slot] !== undefined;
  }

  /**
   * The values of every filter that matches (§4.7), one per (filter, key). Their order follows from the filters and,
   * under one filter, from the order in which keys were added.
   */
  match(topicName: TopicName): Value[] {
    const values: Value[] = [];
    const levels = topicName.split("/");
    if (isHidden(topicName)) {
      // [MQTT-4.7.2-1]: neither `#` nor `+` in the first level sees a name that starts with $.
      const node = this.#root.literal(levels[0] ?? "");
      if (node !== undefined) collect(node, levels, 1, values);
    } else {
      collect(this.#root, levels, 0, values);
    }
    return values;
  }

  /** The nodes from the root to the end of `levels`, or `undefined` where the trie does not go so far. */
  #pathOf(levels: readonly string[]): Node<Value>[] | undefined {
    let node = this.#root;
    const path = [node];
    for (const level of levels) {
      const next = node.child(level);
      if (next === undefined) return undefined;
      node = next;
      path.push(node);
    }
    return path;
  }
}

const slotOf = (levels: readonly string[]): "here" | "hash" => (levels.at(-1) === "#" ? "hash" : "here");

/** Takes away the nodes at the end of the path that have become empty; the root stays. */
function prune<Value>(path: readonly Node<Value>[], levels: readonly string[]): void {
  for (let at = levels.length; at > 0 && path[at]?.isEmpty === true; at -= 1) {
    path[at - 1]?.prune(levels[at - 1] ?? "");
  }
}

function collect<Value>(node: Node<Value>, levels: readonly string[], at: number, values: Value[]): void {
  const level = levels[at];
  if (level === undefined) {
    node.here?.appendTo(values);
  } else {
    const literal = node.literal(level);
    if (literal !== undefined) collect(literal, levels, at + 1, values);
    if (node.plus !== undefined) collect(node.plus, levels, at + 1, values);
  }
  // Also at the end of the name: `a/#` matches `a` (§4.7.1.2).
  node.hash?.appendTo(values);
}
