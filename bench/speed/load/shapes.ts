// The three ways in which messages go: from few to many, from many to few, in pairs.

import type { Shape } from "./traffic.ts";

/** Every subscriber gets every message of every publisher; all on one topic. */
export function fanOut(publishers: number, subscribers: number): Shape {
  return {
    publishers,
    subscribers,
    receiversEach: subscribers,
    topicOf: (run) => `${run}/news`,
    filterOf: (run) => `${run}/news`,
    wantedBy: () => [0, publishers],
  };
}

/** Each publisher has a topic of its own; one subscriber takes them all by a wildcard. */
export function fanIn(publishers: number): Shape {
  return {
    publishers,
    subscribers: 1,
    receiversEach: 1,
    topicOf: (run, publisher) => `${run}/${publisher}/state`,
    filterOf: (run) => `${run}/+/state`,
    wantedBy: () => [0, publishers],
  };
}

/** Each pair has a topic of its own, with a first level of its own: with several shards they have several owners. */
export function pairs(count: number): Shape {
  return {
    publishers: count,
    subscribers: count,
    receiversEach: 1,
    topicOf: (run, publisher) => `${run}-${publisher}/state`,
    filterOf: (run, subscriber) => `${run}-${subscriber}/state`,
    wantedBy: (subscriber) => [subscriber, subscriber + 1],
  };
}
