// Holds test/conformance/RULES.md against the lists of statements and against what a test run says: every statement has
// its row, and every test that a row names ran and passed. `node scripts/test/rules.ts report.json…`

import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const FOLDER = new URL("../../test/conformance/", import.meta.url);
const PAGE = "RULES.md";
const NO_TEST = "no test: ";

/** A row of a table: a statement (or, in a section without a list, any name) and what is said of it. */
interface Rule {
  readonly id: string;
  readonly titles: readonly string[];
  /** Why there is no test. */
  readonly reason?: string;
}

/** A `##` heading of the page with the rows below it, and the list that its heading names. */
interface Section {
  readonly heading: string;
  /** The first digit of the version: the same id is another statement there. */
  readonly version: string;
  readonly list?: string;
  readonly rules: readonly Rule[];
}

/** A test by its sentence, without the ids before it, over all its variations. */
interface Outcome {
  readonly ids: readonly string[];
  readonly statuses: Set<string>;
}

interface TestResult {
  readonly title: string;
  readonly status: string;
  readonly ancestorTitles: readonly string[];
}

/** What is used of vitest's JSON report. */
interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly assertionResults: readonly TestResult[];
  }[];
}

type Outcomes = ReadonlyMap<string, Outcome>;

const VERSION = /\bMQTT (\d)/;
const IDS = /^(?:\[[^\]]*\] )+/;

const versionOf = (heading: string): string => VERSION.exec(heading)?.[1] ?? "";
const sentenceOf = (title: string): string => title.replace(IDS, "");
const idsOf = (title: string): string[] =>
  [...(IDS.exec(title)?.[0] ?? "").matchAll(/\[([^\]]*)\]/g)].map(([, id = ""]) => id);
const isStatement = (id: string): boolean => id.startsWith("MQTT-");

function parseRow(line: string): Rule | undefined {
  const [, id, shownBy] = /^\| (\S.*?) +\| (\S.*?) +\|$/.exec(line) ?? [];
  if (id === undefined || shownBy === undefined || shownBy === "Shown by" || id.startsWith("---")) return undefined;
  if (shownBy.startsWith(NO_TEST)) return { id, titles: [], reason: shownBy.slice(NO_TEST.length) };
  return { id, titles: shownBy.split("<br>").map((title) => title.trim()) };
}

function parseSection(text: string): Section {
  const [heading = "", ...lines] = text.split("\n");
  const list = /\((\S+\.txt)\)/.exec(heading)?.[1];
  const version = versionOf(heading);
  const rules = lines.map(parseRow).filter((rule) => rule !== undefined);
  return { heading, version, rules, ...(list !== undefined && { list }) };
}

/** The sections of the page. */
const parsePage = (page: string): Section[] => page.split(/^## /m).slice(1).map(parseSection);

/** The ids of a list: one a line, `#` starts a comment. */
const parseList = (list: string): string[] =>
  list
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));

function outcomesOf(reports: readonly Report[]): Outcomes {
  const outcomes = new Map<string, Outcome>();
  for (const { title, status } of reports.flatMap((report) =>
    report.testResults.flatMap((file) => file.assertionResults),
  )) {
    const sentence = sentenceOf(title);
    const known = outcomes.get(sentence) ?? { ids: idsOf(title), statuses: new Set<string>() };
    known.statuses.add(status);
    outcomes.set(sentence, known);
  }
  return outcomes;
}

const repeated = (ids: readonly string[]): string[] => ids.filter((id, at) => ids.indexOf(id) !== at);

/** Every statement of the list has one row, and every row is of the list. */
function listProblems(section: Section, list: readonly string[]): string[] {
  const rows = section.rules.map(({ id }) => id);
  return [
    ...list.filter((id) => !rows.includes(id)).map((id) => `${id} is in ${section.list} and has no row`),
    ...rows.filter((id) => !list.includes(id)).map((id) => `${id} has a row and is not in ${section.list}`),
    ...repeated(rows).map((id) => `${id} has several rows`),
  ];
}

/** A named test ran, passed in every variation, and has the id of the row in its title. */
function testProblems(rule: Rule, title: string, outcomes: Outcomes): string[] {
  const outcome = outcomes.get(title);
  if (outcome === undefined) return [`${rule.id} names a test that did not run: ${title}`];
  const others = [...outcome.statuses].filter((status) => status !== "passed");
  if (others.length > 0) return [`a test that rows name has ${others.join(", ")}: ${title}`];
  if (isStatement(rule.id) && !outcome.ids.includes(rule.id)) {
    return [`${rule.id} names a test whose title has not this id: ${title}`];
  }
  return [];
}

function ruleProblems(rule: Rule, outcomes: Outcomes): string[] {
  if (rule.reason?.trim() === "") return [`${rule.id} has neither test nor reason`];
  return rule.titles.flatMap((title) => testProblems(rule, title, outcomes));
}

/**
 * Every conformance test is named by the rows of the ids in its title, or, where it has none, by some row. The sections
 * and the outcomes are those of one version.
 */
function unnamedProblems(sections: readonly Section[], outcomes: Outcomes): string[] {
  const rules = sections.flatMap((section) => section.rules);
  const isNamed = (sentence: string, id?: string): boolean =>
    rules.some((rule) => rule.titles.includes(sentence) && (id === undefined || rule.id === id));
  return [...outcomes].flatMap(([sentence, { ids }]) => {
    const missing = ids.filter((id) => isStatement(id) && !isNamed(sentence, id));
    if (ids.length === 0 && !isNamed(sentence)) return [`no row names the test: ${sentence}`];
    return missing.map((id) => `the row of ${id} does not name the test: ${sentence}`);
  });
}

const CONFORMANCE_TEST = /\/test\/conformance\/(?!notation)[^/]+\.test\.ts$/;

const ofConformance = (report: Report): Report => ({
  testResults: report.testResults.filter(({ name }) => CONFORMANCE_TEST.test(name)),
});

/** Of a dialogue: the outermost heading that it stands below begins with it. */
const versionOfDialogue = ({ ancestorTitles: [outermost = ""] }: TestResult): string => versionOf(outermost);

/** The dialogues of one version, and every test that is no dialogue. */
const ofVersion = (report: Report, version: string): Report => ({
  testResults: report.testResults.map(({ name, assertionResults }) => ({
    name,
    assertionResults: CONFORMANCE_TEST.test(name)
      ? assertionResults.filter((dialogue) => versionOfDialogue(dialogue) === version)
      : assertionResults,
  })),
});

function versionProblems(
  sections: readonly Section[],
  lists: ReadonlyMap<string, string[]>,
  reports: readonly Report[],
): string[] {
  const outcomes = outcomesOf(reports);
  const conformance = outcomesOf(reports.map(ofConformance));
  return [
    ...sections.flatMap((section) =>
      section.list === undefined ? [] : listProblems(section, lists.get(section.list) ?? []),
    ),
    ...sections.flatMap((section) => section.rules.flatMap((rule) => ruleProblems(rule, outcomes))),
    ...unnamedProblems(sections, conformance),
  ];
}

/** The page against the lists and the reports; both are given, so nothing is read. */
function findProblems(
  sections: readonly Section[],
  lists: ReadonlyMap<string, string[]>,
  reports: readonly Report[],
): string[] {
  const dialogues = reports.flatMap((report) =>
    ofConformance(report).testResults.flatMap(({ assertionResults }) => assertionResults),
  );
  const versions = new Set([...sections.map(({ version }) => version), ...dialogues.map(versionOfDialogue)]);
  const problems = [...versions].flatMap((version) =>
    versionProblems(
      sections.filter((section) => section.version === version),
      lists,
      reports.map((report) => ofVersion(report, version)),
    ),
  );
  return [...new Set(problems)];
}

/**
 * Checks RULES.md.
 *
 * @param reportFiles paths of vitest's JSON reports of every project that a row may name
 * @returns one sentence for each problem; none where every claim of the page holds
 */
export function checkRules(reportFiles: readonly string[]): readonly string[] {
  const read = (name: string): string => readFileSync(new URL(name, FOLDER), "utf8");
  const sections = parsePage(read(PAGE));
  const named = sections.flatMap(({ list }) => (list === undefined ? [] : [list]));
  if (named.length === 0) return [`${PAGE} names no list of statements`];
  const lists = new Map(named.map((name) => [name, parseList(read(name))]));
  const reports = reportFiles.map((file) => JSON.parse(readFileSync(file, "utf8")) as Report);
  return findProblems(sections, lists, reports);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const problems = checkRules(process.argv.slice(2));
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
