// Mosquitto's ACL file, and the `topic` lines of one user or token, read once into rules.
//
//   topic [read|write|readwrite|deny] <topic>     for the user named above; before any `user` line: anonymous clients
//   user <username>
//   pattern [read|write|readwrite|deny] <topic>   for everybody; %c is the client id, %u the user name
//   # a comment, where # is the first character

import { fail, ok, type Result } from "../core/brand.ts";
import { defaultLimits, limits, type Limits } from "../core/limits.ts";
import { parseTopicFilter } from "../core/topic.ts";

const accessWords = ["read", "write", "readwrite", "deny"] as const;
export type AccessWord = (typeof accessWords)[number];

export interface AclRule {
  readonly access: AccessWord;
  /** A topic filter; in a `pattern` rule with `%c` or `%u` as whole levels. */
  readonly topic: string;
}

export interface AclFile {
  /** For clients without a user name. */
  readonly anonymous: readonly AclRule[];
  readonly users: ReadonlyMap<string, readonly AclRule[]>;
  /** For everybody, after substitution. */
  readonly patterns: readonly AclRule[];
}

export interface AclProblem {
  /** From 1. */
  readonly line: number;
  readonly problem: string;
}

interface Draft {
  readonly anonymous: AclRule[];
  readonly users: Map<string, AclRule[]>;
  readonly patterns: AclRule[];
  /** Where the next `topic` line goes. */
  current: AclRule[];
}

/** Reads a whole file. Fails with every problem in it, in the order of the lines. */
export function parseAclFile(text: string): Result<AclFile, readonly AclProblem[]> {
  const anonymous: AclRule[] = [];
  const draft: Draft = { anonymous, users: new Map(), patterns: [], current: anonymous };
  const problems: AclProblem[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    const problem = readLine(line, draft);
    if (problem !== undefined) problems.push({ line: index + 1, problem });
  }
  return problems.length === 0 ? ok(draft) : fail(problems);
}

/** Reads `topic` lines, one an item, as a user or token carries them. Fails with every problem; `line` is the item, from 1. */
export function parseTopicLines(lines: readonly string[]): Result<readonly AclRule[], readonly AclProblem[]> {
  const rules: AclRule[] = [];
  const problems: AclProblem[] = [];
  for (const [index, line] of lines.entries()) {
    const [keyword, rest] = firstWord(line.trim());
    const rule = keyword === "topic" ? parseRule(rest, filterProblem) : fail("expected a line that starts with topic");
    if (rule.ok) rules.push(rule.value);
    else problems.push({ line: index + 1, problem: rule.error });
  }
  return problems.length === 0 ? ok(rules) : fail(problems);
}

function readLine(line: string, draft: Draft): string | undefined {
  if (line.startsWith("#") || line.trim() === "") return undefined;
  const [keyword, rest] = firstWord(line.trim());
  switch (keyword) {
    case "topic":
      return addRule(draft.current, parseRule(rest, filterProblem));
    case "pattern":
      return addRule(draft.patterns, parseRule(rest, patternProblem));
    case "user":
      return openUser(draft, rest);
    default:
      // As in Mosquitto a # further in is no comment: it may well be a topic.
      return "expected topic, user or pattern, or # as the first character";
  }
}

function openUser(draft: Draft, username: string): string | undefined {
  if (username === "") return "user needs a name";
  draft.current = draft.users.get(username) ?? [];
  draft.users.set(username, draft.current);
  return undefined;
}

function addRule(rules: AclRule[], rule: Result<AclRule, string>): string | undefined {
  if (!rule.ok) return rule.error;
  rules.push(rule.value);
  return undefined;
}

function firstWord(text: string): [word: string, rest: string] {
  const end = text.search(/[ \t]/u);
  return end === -1 ? [text, ""] : [text.slice(0, end), text.slice(end).trimStart()];
}

const isAccessWord = (word: string): word is AccessWord => (accessWords as readonly string[]).includes(word);

function parseRule(text: string, problemOf: (topic: string) => string | undefined): Result<AclRule, string> {
  const [word, rest] = firstWord(text);
  // A lone word is the topic, even where it reads like an access word; with more than one word the first is the access.
  const [access, topic] = rest === "" ? ["readwrite", word] : [word, rest];
  if (topic === "") return fail("a topic is missing");
  if (!isAccessWord(access)) return fail("expected read, write, readwrite or deny before the topic");
  const problem = problemOf(topic);
  return problem === undefined ? ok({ access, topic }) : fail(problem);
}

/** A rule longer than what clients may use is useless, not wrong. */
const widest: Limits = {
  ...defaultLimits,
  maximumTopicBytes: limits.maximumTopicBytes.ceiling,
  maximumTopicLevels: limits.maximumTopicLevels.ceiling,
};

function filterProblem(topic: string): string | undefined {
  const filter = parseTopicFilter(topic, widest);
  return filter.ok ? undefined : filter.error.detail;
}

const isPlaceholder = (level: string): boolean => level === "%c" || level === "%u";

function patternProblem(topic: string): string | undefined {
  const isPartial = topic.split("/").some((level) => /%[cu]/u.test(level) && !isPlaceholder(level));
  return isPartial ? "%c and %u must be whole levels, as in sensor/%u/data" : filterProblem(topic);
}
