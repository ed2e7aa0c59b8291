// Secrets that are JSON arrays (`USERS`, `API_TOKENS`): read with a schema, all problems together. A problem says where
// and what was expected, and never a part of what was found: that may be a secret.

import * as v from "valibot";
import { fail, ok, type Result } from "../core/brand.ts";
import { parseTopicLines, type AclRule } from "./acl-file.ts";

export const defaultNamespace = "default";
export const namespacePattern = /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/u;

/** A text without control characters, as names and ids are. */
export const nameSchema = v.pipe(
  v.string("must be a text"),
  v.regex(/^[^\p{Cc}]{1,256}$/u, "must be 1 to 256 characters without control characters"),
);

const linesSchema = v.array(
  v.string('must be a text like "topic read a/#"'),
  'must be an array of texts like "topic read a/#"',
);

export const aclSchema = v.pipe(
  linesSchema,
  v.rawTransform(({ dataset, addIssue, NEVER }): readonly AclRule[] => {
    const rules = parseTopicLines(dataset.value);
    if (rules.ok) return rules.value;
    for (const { line, problem } of rules.error) addIssue({ message: `item ${line}: ${problem}` });
    return NEVER;
  }),
);

export const namespacesSchema = v.optional(
  v.pipe(
    v.array(v.pipe(v.string("must be a text"), v.regex(namespacePattern, "is no namespace")), "must be an array"),
    v.minLength(1, "must name a namespace"),
    v.transform((names): ReadonlySet<string> => new Set(names)),
  ),
  [defaultNamespace],
);

/**
 * Reads a JSON array, or its text, item by item.
 * @returns the entries, or sentences that start with the place, as in `[1].name must be a text`.
 */
export function parseEntries<Entry>(
  value: unknown,
  schema: v.GenericSchema<unknown, Entry>,
): Result<readonly Entry[], readonly string[]> {
  const items = typeof value === "string" ? parseJson(value) : value;
  if (!Array.isArray(items)) return fail([" must be a JSON array"]);
  const entries: Entry[] = [];
  const problems: string[] = [];
  for (const [index, item] of items.entries()) {
    const parsed = v.safeParse(schema, item);
    if (parsed.success) entries.push(parsed.output);
    else problems.push(...parsed.issues.map((issue) => `[${index}]${describe(issue)}`));
  }
  return problems.length === 0 ? ok(entries) : fail(problems);
}

/** Problems of values that must differ from entry to entry. */
export function findRepeats(values: readonly string[], what: string): string[] {
  return values.flatMap((value, index) => {
    const first = values.indexOf(value);
    return first === index ? [] : [`[${index}] has the same ${what} as [${first}]`];
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message quotes the text.
    return undefined;
  }
}

function describe(issue: v.BaseIssue<unknown>): string {
  // The name of an unknown field could be a misplaced secret.
  if (issue.type === "strict_object" && issue.expected === "never") return " has a field that is not known";
  if (issue.type === "strict_object" && issue.path !== undefined) return `${pathOf(issue)} is missing`;
  return `${pathOf(issue)} ${issue.message}`;
}

function pathOf(issue: v.BaseIssue<unknown>): string {
  const keys = issue.path?.map((item) => item.key) ?? [];
  return keys.map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`)).join("");
}
