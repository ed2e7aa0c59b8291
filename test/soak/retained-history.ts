// What each topic may retain: every value that was published to it since the last one that is certain.

import { never, type Published, type Tick } from "./published.ts";

export class RetainedHistory {
  readonly #writes = new Map<string, Published[]>();

  get topics(): Iterable<string> {
    return this.#writes.keys();
  }

  onPublish(published: Published): void {
    const writes = this.#writes.get(published.topicName) ?? [];
    writes.push(published);
    this.#writes.set(published.topicName, writes);
  }

  /** A later value was certainly there before `moment`: who subscribes then must not get this one. */
  isSuperseded(published: Published, moment: Tick = never): Published | undefined {
    const writes = this.#writes.get(published.topicName) ?? [];
    return writes.find(
      (later) => later.sentAt > published.takenBy && later.takenBy < moment && later.ackedAt !== never,
    );
  }

  /** What the topic may hold once nothing is under way; `undefined` is nothing. */
  finals(topicName: string): (Published | undefined)[] {
    const writes = this.#writes.get(topicName) ?? [];
    const values = writes.filter((write) => this.isSuperseded(write) === undefined);
    const isCertain = writes.some(({ ackedAt }) => ackedAt !== never);
    const finals = values.map((write) => (write.clears ? undefined : write));
    return isCertain ? finals : [...finals, undefined];
  }

  /** A new subscriber has got it: nothing before it matters any more. */
  onKnown(topicName: string, value: Published | undefined): void {
    const writes = this.#writes.get(topicName) ?? [];
    const kept = value ?? writes.findLast(({ clears }) => clears);
    this.#writes.set(topicName, kept === undefined ? [] : [kept]);
  }

  /** Of these more may come. */
  has(published: Published): boolean {
    return this.#writes.get(published.topicName)?.includes(published) ?? false;
  }
}
