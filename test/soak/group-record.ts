// What the harness knows of one shared subscription: who was a member when, and which member got what.

import type { SessionRecord, SubscriptionRecord } from "./session-record.ts";
import { never, type Published, type Tick } from "./published.ts";

export class GroupRecord {
  readonly topicFilter: string;
  #members: { readonly session: SessionRecord; readonly subscription: SubscriptionRecord }[] = [];
  /** By name: how often a member took it as a message of its own, at QoS 2 and in all. */
  readonly #taken = new Map<string, { flows: number; count: number }>();
  /** The last time that the session of a member ended, with what it had in its hands. */
  #lostAt: Tick = -1;

  constructor(topicFilter: string) {
    this.topicFilter = topicFilter;
  }

  onMember(session: SessionRecord, subscription: SubscriptionRecord): void {
    if (this.#members.some((member) => member.subscription === subscription)) return;
    this.#members.push({ session, subscription });
  }

  onSessionOver(session: SessionRecord, now: Tick): void {
    if (this.#members.some((member) => member.session === session)) this.#lostAt = now;
  }

  /** How often members have taken it now, as far as a message of QoS 2 may be taken once. */
  onTaken(published: Published, qos: number): number {
    const taken = this.#taken.get(published.name) ?? { flows: 0, count: 0 };
    this.#taken.set(published.name, taken);
    taken.count += 1;
    if (qos === 2) taken.flows += 1;
    return taken.flows;
  }

  /**
   * A member that was there before and ever since must have made sure of it. What an ended session had in its hands is
   * gone at QoS 2, and at QoS 1 where `isLostWithMember`.
   */
  isOwed(published: Published, isLostWithMember: boolean): boolean {
    if (this.#taken.has(published.name)) return false;
    const mayBeLost = published.qos === 2 || isLostWithMember;
    if (mayBeLost && this.#lostAt >= published.sentAt) return false;
    return this.#members.some(
      ({ session, subscription }) =>
        session.isDurable && subscription.ackedAt <= published.dueFrom && subscription.leavingAt === never,
    );
  }

  settle(keep: (name: string) => boolean): void {
    this.#members = this.#members.filter(({ session }) => !session.isOver);
    for (const name of this.#taken.keys()) if (!keep(name)) this.#taken.delete(name);
  }
}
