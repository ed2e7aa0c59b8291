// Searching topic names in storage order for those that a filter matches, given no more than "the next name at or
// after x". Where a name cannot match, the search says from where the next one can, so a walk jumps over whole
// subtrees instead of reading them. Order is by code point throughout: `/` sorts after `-` and `.`, so `a`, `a-b`,
// `a/b` is the order, and the names below a level are one run only from `a/` on.

import type { TopicFilter } from "./brand.ts";
import { compareTopicNames, isHidden } from "./topic.ts";

/** The least string after `text`: topic names hold no U+0000 [MQTT-4.7.3-2]. */
export const justAfter = (text: string): string => `${text}\u0001`;

/** The least string after everything that starts with `text/`: `0` is the character after `/`. */
const afterSubtree = (text: string): string => `${text}0`;

/** The least string after everything that starts with `$`. */
const afterHidden = "%";

/**
 * From where on to look: an `x` at or after `from` such that no topic name in [from, x) is matched. A topic name is
 * matched exactly where it is given back itself; `undefined` says that nothing at or after `from` is.
 */
export type Search = (from: string) => string | undefined;

/** Prepares the search for one filter. */
export function searchFor(filter: TopicFilter): Search {
  const wanted = filter.split("/");
  const isOpen = wanted[0] === "+" || wanted[0] === "#";
  return (from) => {
    // [MQTT-4.7.2-1]
    if (isOpen && isHidden(from)) return afterHidden;
    return nextCandidate(wanted, from);
  };
}

function nextCandidate(wanted: readonly string[], from: string): string | undefined {
  const levels = from.split("/");
  let at = 0;
  while (at < wanted.length && at < levels.length) {
    const level = wanted[at];
    if (level === "#") return from;
    if (level !== "+" && level !== levels[at]) return pastMismatch(wanted, levels, from, at);
    at += 1;
  }
  if (at < wanted.length) return belowEnd(wanted, from, at);
  return at === levels.length ? from : nextPlusValue(wanted, levels, at);
}

/** `from` ends where the filter goes on: the names wanted lie below it. */
function belowEnd(wanted: readonly string[], from: string, at: number): string {
  if (wanted[at] === "#") return from;
  // Under a `+` longer values of the same level come before what lies below this one: `a-x/b` before `a/b`.
  if (wanted[at - 1] === "+") return justAfter(from);
  return `${from}/${literalRun(wanted, at)}`;
}

/** Level `at` is not the literal that the filter has there. */
function pastMismatch(
  wanted: readonly string[],
  levels: readonly string[],
  from: string,
  at: number,
): string | undefined {
  const run = literalRun(wanted, at);
  const target = [...levels.slice(0, at), run].join("/");
  if (compareTopicNames(from, target) < 0) return target;
  if (at + countOf(run) < wanted.length) {
    // Past `b` but before `b/`, as `b-c` is.
    const below = `${target}/`;
    if (compareTopicNames(from, below) < 0) return below;
  }
  return nextPlusValue(wanted, levels, at);
}

const countOf = (run: string): number => run.split("/").length;

/** The literal levels of the filter from `at` on, up to the next wildcard; may be empty. */
function literalRun(wanted: readonly string[], at: number): string {
  let end = at;
  while (end < wanted.length && wanted[end] !== "+" && wanted[end] !== "#") end += 1;
  return wanted.slice(at, end).join("/");
}

/** Nothing more under the levels before `at`: on to the next value of the innermost `+` among them, if there is one. */
function nextPlusValue(wanted: readonly string[], levels: readonly string[], at: number): string | undefined {
  const plusAt = wanted.lastIndexOf("+", at - 1);
  if (at === 0 || plusAt === -1) return undefined;
  return afterSubtree(levels.slice(0, plusAt + 1).join("/"));
}
