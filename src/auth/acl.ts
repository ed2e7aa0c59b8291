// Access by rules. A deny comes before every grant; what no rule grants is denied. The rules of a client are those of
// its user (or of anonymous clients) and the patterns, with its names filled in.

import type { Access } from "../core/access.ts";
import type { TopicFilter, TopicName } from "../core/brand.ts";
import { filterCovers, filtersOverlap, matches } from "../core/topic.ts";
import type { AclFile, AclRule } from "./acl-file.ts";

export interface Acl {
  /** Where there is one, whoever it does not list may do nothing. */
  readonly file?: AclFile;
  /** The rules that come with a user's entry, by user name. They add to the file's. */
  readonly ownRules: ReadonlyMap<string, readonly AclRule[]>;
}

export interface AclClient {
  /** Absent for an anonymous client. */
  readonly username?: string;
  readonly clientId: string;
}

/**
 * What a client may do. Without a file a user who has no rules of its own may do everything, but for writing to
 * `$SYS`, which belongs to the broker.
 */
export function accessFor(acl: Acl, client: AclClient): Access {
  const own = client.username === undefined ? undefined : acl.ownRules.get(client.username);
  if (acl.file === undefined) return own === undefined ? allButSys : accessByRules(own);
  const listed = client.username === undefined ? acl.file.anonymous : acl.file.users.get(client.username);
  const patterns = acl.file.patterns.flatMap((rule) => substitute(rule, client));
  return accessByRules([...(listed ?? []), ...(own ?? []), ...patterns]);
}

/** Everything, but for writing to `$SYS`. */
export const allButSys: Access = {
  mayPublish: (topicName) => !isSysTopic(topicName),
  maySubscribe: () => true,
  mayReceive: () => true,
};

/** What rules without placeholders allow. Decisions on the message path are remembered, a bounded number of them. */
export function accessByRules(rules: readonly AclRule[]): Access {
  const denied = filtersOf(rules, ["deny"]);
  const isLive = (grant: TopicFilter): boolean => !denied.some((deny) => filterCovers(deny, grant));
  const readable = filtersOf(rules, ["read", "readwrite"]).filter(isLive);
  const writable = filtersOf(rules, ["write", "readwrite"]).filter(isLive);
  const isGranted = (grants: readonly TopicFilter[], topicName: TopicName): boolean =>
    grants.some((grant) => matches(grant, topicName)) && !denied.some((deny) => matches(deny, topicName));
  return {
    mayPublish: remembered((topicName) => !isSysTopic(topicName) && isGranted(writable, topicName)),
    mayReceive: remembered((topicName) => isGranted(readable, topicName)),
    // As in Mosquitto 2.0 a filter may be broader than what its owner may read: delivery asks again for each topic.
    maySubscribe: (topicFilter) =>
      readable.some((grant) => filtersOverlap(grant, topicFilter)) &&
      !denied.some((deny) => filterCovers(deny, topicFilter)),
  };
}

const isSysTopic = (topicName: string): boolean => topicName === "$SYS" || topicName.startsWith("$SYS/");

const filtersOf = (rules: readonly AclRule[], words: readonly AclRule["access"][]): TopicFilter[] =>
  // Checked when the rule was parsed; a substitution fills whole levels and brings no wildcard.
  rules.filter((rule) => words.includes(rule.access)).map((rule) => rule.topic as TopicFilter);

/** A value that would widen the rule or change its levels. */
const isUnusable = (value: string): boolean => value === "" || /[+#/]/u.test(value);

/** The rule with the client's names filled in; nothing, where it cannot apply to this client. */
function substitute(rule: AclRule, client: AclClient): AclRule[] {
  const levels = rule.topic.split("/");
  for (const [index, level] of levels.entries()) {
    if (level !== "%c" && level !== "%u") continue;
    const value = level === "%c" ? client.clientId : client.username;
    // Whoever has no user name has nothing under it.
    if (value === undefined) return [];
    if (isUnusable(value)) return withoutSubstitution(rule, levels.slice(0, index));
    levels[index] = value;
  }
  return [{ access: rule.access, topic: levels.join("/") }];
}

/** A grant matches nothing. A deny takes everything from that level on: nobody gets out of it by a name like `a/b`. */
const withoutSubstitution = (rule: AclRule, before: readonly string[]): AclRule[] =>
  rule.access === "deny" ? [{ access: "deny", topic: [...before, "#"].join("/") }] : [];

const maximumRemembered = 32;
/** Long topics are matched anew: a client could make the memory of each session grow with them. */
const maximumRememberedLength = 256;

function remembered(decide: (topicName: TopicName) => boolean): (topicName: TopicName) => boolean {
  let decisions: Map<TopicName, boolean> | undefined;
  return (topicName) => {
    const known = decisions?.get(topicName);
    if (known !== undefined) return known;
    const decision = decide(topicName);
    if (topicName.length > maximumRememberedLength) return decision;
    if (decisions === undefined || decisions.size >= maximumRemembered) decisions = new Map();
    decisions.set(topicName, decision);
    return decision;
  };
}
