// Which clients a topic name reaches: a tree of filters, and what it found for each topic name until filters change.

interface Node<T> {
  readonly children: Map<string, Node<T>>;
  here: T[];
}

const newNode = <T>(): Node<T> => ({ children: new Map(), here: [] });

export class Filters<T> {
  readonly #root: Node<T> = newNode();
  readonly #found = new Map<string, readonly T[]>();
  /** Changes with every filter. */
  generation = 0;

  add(filter: string, subscriber: T): void {
    let node = this.#root;
    for (const level of filter.split("/")) {
      const known = node.children.get(level);
      const next: Node<T> = known ?? newNode();
      if (known === undefined) node.children.set(level, next);
      node = next;
    }
    node.here.push(subscriber);
    this.#changed();
  }

  remove(filter: string, isGone: (subscriber: T) => boolean): void {
    let node: Node<T> | undefined = this.#root;
    for (const level of filter.split("/")) node = node?.children.get(level);
    if (node !== undefined) node.here = node.here.filter((subscriber) => !isGone(subscriber));
    this.#changed();
  }

  /** All that match; the same subscriber may have several filters. */
  match(topicName: string): readonly T[] {
    const known = this.#found.get(topicName);
    if (known !== undefined) return known;
    const found: T[] = [];
    collect(this.#root, topicName.split("/"), 0, found);
    this.#found.set(topicName, found);
    return found;
  }

  #changed(): void {
    this.#found.clear();
    this.generation++;
  }
}

function collect<T>(node: Node<T>, levels: readonly string[], depth: number, found: T[]): void {
  const rest = node.children.get("#");
  if (rest !== undefined) for (const subscriber of rest.here) found.push(subscriber);
  const level = levels[depth];
  if (level === undefined) {
    for (const subscriber of node.here) found.push(subscriber);
    return;
  }
  for (const name of [level, "+"]) {
    const child = node.children.get(name);
    if (child !== undefined) collect(child, levels, depth + 1, found);
  }
}
