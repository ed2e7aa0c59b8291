// Topic names and topic filters (§4.7): their syntax, what matches what, and their order in storage.

import { fail, ok, type Result, type TopicFilter, type TopicName } from "./brand.ts";
import type { Limits } from "./limits.ts";
import { reasonCode, type ReasonCode } from "./reason-code.ts";
import { limitPassed, refused, type Violation } from "./violation.ts";

const slash = 0x2f;
const plus = 0x2b;
const hash = 0x23;
const dollar = 0x24;

const sharePrefix = "$share/";

export interface SubscriptionFilter {
  /** The part that is matched. */
  readonly topicFilter: TopicFilter;
  /** Present in a shared subscription (§4.8.2). */
  readonly shareName?: string;
}

/**
 * Checks a topic name, from a packet or a URL. Refused with 0x90: an empty one, one with a wildcard, U+0000 or a
 * lone surrogate, more than `maximumTopicBytes` of UTF-8 or more than `maximumTopicLevels` levels.
 */
export function parseTopicName(raw: string, limits: Limits): Result<TopicName, Violation> {
  const fault = characterFault(raw, limits, reasonCode.topicNameInvalid) ?? wildcardInName(raw);
  return fault === undefined ? ok(raw as TopicName) : fail(fault);
}

/**
 * Checks a topic filter that has no `$share/…` before it. Refused with 0x8F: what is refused in a topic name, but
 * for wildcards, which must stand where §4.7.1 lets them.
 */
export function parseTopicFilter(raw: string, limits: Limits): Result<TopicFilter, Violation> {
  const code = reasonCode.topicFilterInvalid;
  if (isShared(raw)) {
    return fail(refused(code, "a shared subscription where a plain topic filter is due", "MQTT-4.8.2-1"));
  }
  const fault = characterFault(raw, limits, code) ?? misplacedWildcard(raw);
  return fault === undefined ? ok(raw as TopicFilter) : fail(fault);
}

/**
 * Checks a filter of SUBSCRIBE or UNSUBSCRIBE: a topic filter, or `$share/{name}/{filter}` (§4.8.2, taken from
 * clients of every version). Faults of either part are refused with 0x8F.
 */
export function parseSubscriptionFilter(raw: string, limits: Limits): Result<SubscriptionFilter, Violation> {
  if (!isShared(raw)) {
    const plain = parseTopicFilter(raw, limits);
    return plain.ok ? ok({ topicFilter: plain.value }) : plain;
  }
  // The bytes are counted with the prefix: it is part of the key under which the session keeps the subscription.
  const fault = byteFault(raw, limits, reasonCode.topicFilterInvalid);
  if (fault !== undefined) return fail(fault);
  const nameEnd = raw.indexOf("/", sharePrefix.length);
  const shareName = raw.slice(sharePrefix.length, nameEnd === -1 ? undefined : nameEnd);
  const nameFault = shareNameFault(shareName, nameEnd);
  if (nameFault !== undefined) return fail(nameFault);
  const inner = parseTopicFilter(raw.slice(nameEnd + 1), limits);
  return inner.ok ? ok({ topicFilter: inner.value, shareName }) : inner;
}

const isShared = (raw: string): boolean => raw === "$share" || raw.startsWith(sharePrefix);

function shareNameFault(shareName: string, nameEnd: number): Violation | undefined {
  const code = reasonCode.topicFilterInvalid;
  if (shareName === "") return refused(code, "a share name has at least one character", "MQTT-4.8.2-1");
  if (nameEnd === -1) return refused(code, "a share name is followed by / and a topic filter", "MQTT-4.8.2-2");
  if (/[+#]/u.test(shareName)) return refused(code, "a share name holds no wildcard", "MQTT-4.8.2-2");
  return undefined;
}

function characterFault(raw: string, limits: Limits, code: ReasonCode): Violation | undefined {
  // [MQTT-4.7.3-1]: at least one character.
  if (raw === "") return refused(code, "an empty topic", "MQTT-4.7.3-1");
  return byteFault(raw, limits, code) ?? levelFault(raw, limits, code);
}

function byteFault(raw: string, limits: Limits, code: ReasonCode): Violation | undefined {
  if (raw.includes("\u0000")) return refused(code, "U+0000 in a topic", "MQTT-4.7.3-2");
  if (!raw.isWellFormed()) return refused(code, "a lone surrogate in a topic", "MQTT-1.5.4-1");
  // [MQTT-4.7.3-3]: the standard allows 65,535 bytes, the limit is ours.
  if (utf8Length(raw) <= limits.maximumTopicBytes) return undefined;
  return limitPassed("maximumTopicBytes", code, `a topic of more than ${limits.maximumTopicBytes} bytes`);
}

function levelFault(raw: string, limits: Limits, code: ReasonCode): Violation | undefined {
  let levels = 1;
  for (let at = raw.indexOf("/"); at !== -1; at = raw.indexOf("/", at + 1)) levels += 1;
  if (levels <= limits.maximumTopicLevels) return undefined;
  return limitPassed("maximumTopicLevels", code, `a topic of ${levels} levels`);
}

function wildcardInName(raw: string): Violation | undefined {
  if (!raw.includes("+") && !raw.includes("#")) return undefined;
  return refused(reasonCode.topicNameInvalid, "a wildcard in a topic name", "MQTT-3.3.2-2");
}

function misplacedWildcard(raw: string): Violation | undefined {
  const code = reasonCode.topicFilterInvalid;
  for (let at = 0; at < raw.length; at += 1) {
    const unit = raw.charCodeAt(at);
    if (unit !== hash && unit !== plus) continue;
    const opensLevel = at === 0 || raw.charCodeAt(at - 1) === slash;
    const ends = at + 1 === raw.length;
    // [MQTT-4.7.1-1]: # is a whole level, and the last one.
    if (unit === hash && !(opensLevel && ends)) return refused(code, "# is not the last level", "MQTT-4.7.1-1");
    // [MQTT-4.7.1-2]: + is a whole level.
    const closesLevel = ends || raw.charCodeAt(at + 1) === slash;
    if (!(opensLevel && closesLevel)) return refused(code, "+ is not a whole level", "MQTT-4.7.1-2");
  }
  return undefined;
}

/** Bytes of a well-formed string in UTF-8. */
export function utf8Length(text: string): number {
  let bytes = text.length;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit < 0x80) continue;
    // A surrogate pair is two units and four bytes.
    bytes += unit < 0x800 || isSurrogate(unit) ? 1 : 2;
  }
  return bytes;
}

const isSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdfff;

export const hasWildcard = (filter: TopicFilter): boolean => filter.includes("+") || filter.endsWith("#");

/** True where `topicName` is hidden from wildcards in the first level: it starts with `$` [MQTT-4.7.2-1]. */
export const isHidden = (topicName: string): boolean => topicName.charCodeAt(0) === dollar;

/** Whether a message to `topicName` is for `filter` (§4.7). Allocates nothing. */
export function matches(filter: TopicFilter, topicName: TopicName): boolean {
  // [MQTT-4.7.2-1]
  if (isHidden(topicName) && startsWithWildcard(filter)) return false;
  let inFilter = 0;
  let inTopic = 0;
  for (;;) {
    const unit = filter.charCodeAt(inFilter);
    if (unit === hash) return true;
    if (unit === plus) {
      inFilter += 1;
      inTopic = levelEnd(topicName, inTopic);
    } else {
      const end = levelEnd(filter, inFilter);
      const topicEnd = inTopic + (end - inFilter);
      if (!isSame(filter, inFilter, topicName, inTopic, end - inFilter)) return false;
      if (topicEnd < topicName.length && topicName.charCodeAt(topicEnd) !== slash) return false;
      inFilter = end;
      inTopic = topicEnd;
    }
    // `a/#` matches `a` too (§4.7.1.2).
    if (inTopic === topicName.length) return inFilter === filter.length || isParentHash(filter, inFilter);
    if (inFilter === filter.length) return false;
    inFilter += 1;
    inTopic += 1;
  }
}

function startsWithWildcard(filter: string): boolean {
  const first = filter.charCodeAt(0);
  return first === plus || first === hash;
}

function levelEnd(text: string, from: number): number {
  const end = text.indexOf("/", from);
  return end === -1 ? text.length : end;
}

function isSame(a: string, fromA: number, b: string, fromB: number, length: number): boolean {
  for (let at = 0; at < length; at += 1) {
    if (a.charCodeAt(fromA + at) !== b.charCodeAt(fromB + at)) return false;
  }
  return true;
}

const isParentHash = (filter: string, at: number): boolean =>
  filter.length === at + 2 && filter.charCodeAt(at + 1) === hash;

/** Whether any topic name at all is matched by both filters. */
export function filtersOverlap(a: TopicFilter, b: TopicFilter): boolean {
  const levelsA = a.split("/");
  const levelsB = b.split("/");
  if ((isHidden(a) && startsWithWildcard(b)) || (isHidden(b) && startsWithWildcard(a))) return false;
  for (let at = 0; ; at += 1) {
    const levelA = levelsA[at];
    const levelB = levelsB[at];
    if (levelA === undefined && levelB === undefined) return true;
    if (levelA === "#" || levelB === "#") {
      // Where one filter has ended they share its name alone; `+` and `/#` would share only the empty one, which is no
      // name [MQTT-4.7.3-1].
      const hasEnded = levelA === undefined || levelB === undefined;
      return !(hasEnded && at === 1 && (levelsA[0] === "" || levelsB[0] === ""));
    }
    if (levelA === undefined || levelB === undefined) return false;
    if (levelA !== levelB && levelA !== "+" && levelB !== "+") return false;
  }
}

/** Whether every topic name that `narrow` matches is matched by `broad` as well. */
export function filterCovers(broad: TopicFilter, narrow: TopicFilter): boolean {
  if (isHidden(narrow) && startsWithWildcard(broad)) return false;
  const broadLevels = broad.split("/");
  const narrowLevels = withoutEmptyParent(narrow).split("/");
  for (let at = 0; ; at += 1) {
    const broadLevel = broadLevels[at];
    const narrowLevel = narrowLevels[at];
    if (broadLevel === "#") return true;
    if (broadLevel === undefined || narrowLevel === undefined) return broadLevel === narrowLevel;
    if (narrowLevel === "#") return false;
    if (broadLevel !== "+" && broadLevel !== narrowLevel) return false;
  }
}

// `#` is `+/#`, and `/#` is `/+/#`: their parent would be the empty name [MQTT-4.7.3-1].
function withoutEmptyParent(filter: string): string {
  if (filter === "#") return "+/#";
  return filter === "/#" ? "/+/#" : filter;
}

/**
 * The order of topic names in storage: that of their UTF-8 bytes, which is that of their code points. JavaScript's own
 * `<` compares UTF-16 units and puts astral characters before U+E000–U+FFFF.
 */
export function compareTopicNames(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at += 1) {
    const unitA = a.charCodeAt(at);
    const unitB = b.charCodeAt(at);
    if (unitA !== unitB) return byCodePoint(unitA) - byCodePoint(unitB);
  }
  return a.length - b.length;
}

/** Lifts surrogates above U+FFFF; equal lead units then leave the decision to the trail units. */
const byCodePoint = (unit: number): number => (isSurrogate(unit) ? unit + 0x1_0000 : unit);
