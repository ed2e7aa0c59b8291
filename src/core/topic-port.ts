// The port between the two roles of a shard: *Sessions* ask, *Topics* answer. In one object it is a plain call and
// `done` runs before the call returns; across shards it is a link and `done` runs later.

import type { TopicFilter, TopicName } from "./brand.ts";
import type { Message } from "./packet.ts";
import type { Session } from "./session.ts";
import type { Subscription } from "./subscription.ts";
import type { Violation } from "./violation.ts";

/** Who published: for No Local, and so that a client's messages keep their order. */
export interface Origin {
  readonly session: number | undefined;
  /** The session's shard; absent: this one. */
  readonly shard?: number;
}

export type PublishVerdict =
  /** `matched`: somebody received it or will, or it was retained. `stored`: something of it is in this shard's pending flush. */
  | { readonly kind: "accepted"; readonly matched: boolean; readonly stored: boolean }
  | { readonly kind: "refused"; readonly violation: Violation };

export interface RetainedPage {
  readonly messages: readonly Message[];
  /** The topic to go on after; `undefined` at the end. */
  readonly next: TopicName | undefined;
}

/** An owner at which a filter is registered, and its version then: retained values up to it are replayed. */
export interface Registration {
  readonly owner: number;
  readonly version: number;
}

/** What is registered of a subscription: shared ones under their whole filter, so that the owner knows the group. */
export type Route = Pick<Subscription, "filter" | "topicFilter" | "shareName"> & {
  /** Its session outlives its connection. */
  readonly isDurable: boolean;
};

export const routeOf = (session: Session, { filter, topicFilter, shareName }: Subscription): Route => ({
  filter,
  topicFilter,
  isDurable: session.kind === "stored",
  ...(shareName !== undefined && { shareName }),
});

export interface TopicPort {
  publish(message: Message, origin: Origin, done: (verdict: PublishVerdict) => void): void;
  /** Registers the filter at its owner(s): from `done` on no matching message is missed. */
  register(route: Route, done: (registrations: readonly Registration[]) => void): void;
  /** A subscription that was acknowledged in an earlier life of this object. */
  restore(route: Route): void;
  /** One session less wants the filter. */
  unregister(route: Route): void;
  retainedPage(
    owner: number,
    filter: TopicFilter,
    after: TopicName | undefined,
    limit: number,
    notAfterVersion: number,
    /** `undefined`: the owner did not answer; ask again. */
    done: (page: RetainedPage | undefined) => void,
  ): void;
}
