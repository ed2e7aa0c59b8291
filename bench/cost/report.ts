// The generated parts of docs/costs.md, and the bill as the terminal shows it.

import { replaceSections, row, type Sections } from "../markdown.ts";
import { billsOf, type Bill } from "./calculator.ts";
import { billedRows } from "./counts.ts";
import { dollarsPerMillion, idleMonth } from "./dollars.ts";
import { hoursPerMonth, minutesPerMonth } from "./prices.ts";
import { idleResultOf, type Results, type ScenarioResult } from "./results.ts";
import { limitOf } from "./scenario.ts";
import { scenarios } from "./scenarios/index.ts";
import { inputs, type Workload } from "./workload.ts";
import { workloads } from "./workloads.ts";

export const sections: Sections<Results> = {
  run: ({ commit, date, machine }) => `Commit ${commit}, ${date}, ${machine}.`,
  measured: measuredTable,
  dollars: dollarTable,
  idle: idleTable,
  comparison: comparisonTable,
  bills: billTables,
  inputs: inputTable,
};

/** The document with its generated parts made anew. */
export const withSections = (document: string, results: Results): string =>
  replaceSections(document, sections, results);

const tableOf = (column: string, head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [row(...head), `|---|${column.repeat(head.length - 1)}`, ...rows.map((cells) => row(...cells))].join("\n");

/** All columns but the first are numbers. */
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string => tableOf("---:|", head, rows);

const textTable = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  tableOf("---|", head, rows);

const number = (value: number): string => value.toLocaleString("en-US", { maximumFractionDigits: value < 10 ? 1 : 0 });

/** Small ones with the digits that say something. */
const money = (value: number): string => {
  if (value === 0) return "0";
  const digits = value < 0.1 ? 3 : 2;
  return `$${value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits })}`;
};

/** Both shard counts of a scenario, side by side. */
function pairs(results: Results): { readonly one?: ScenarioResult; readonly three?: ScenarioResult; title: string }[] {
  return scenarios.map(({ id, title }) => {
    const at = (shards: number) => results.scenarios.find((result) => result.id === id && result.shards === shards);
    const [one, three] = [at(1), at(3)];
    return { title, ...(one && { one }), ...(three && { three }) };
  });
}

const both = (make: (result: ScenarioResult) => string, one?: ScenarioResult, three?: ScenarioResult): string =>
  [one, three].map((result) => (result === undefined ? "–" : make(result))).join(" / ");

function measuredTable(results: Results): string {
  const head = [
    "",
    "rows written",
    "target",
    "rows read",
    "commits",
    "alarms set",
    "requests",
    "of them between shards",
  ];
  const rows = pairs(results).map(({ title, one, three }) => [
    title,
    both(({ perThousand }) => number(perThousand.rowsWritten), one, three),
    targetOf(title),
    both(({ perThousand }) => number(perThousand.rowsRead), one, three),
    both(({ perThousand }) => number(perThousand.commits), one, three),
    both(({ perThousand }) => number(perThousand.alarmsSet), one, three),
    both(({ perThousand }) => number(perThousand.requests), one, three),
    three === undefined ? "–" : number(three.perThousand.shardCalls),
    both(({ perThousand }) => number(perThousand.webSocketMessages), one, three),
  ]);
  return table([...head, "WebSocket messages in"], rows);
}

function targetOf(title: string): string {
  const target = scenarios.find((scenario) => scenario.title === title)?.target;
  if (target === undefined) return "";
  return [1, 3]
    .map((shards) => {
      const { kind, rows } = limitOf(target, shards);
      return `${{ exactly: "", under: "< ", "at most": "≤ " }[kind]}${number(rows)}`;
    })
    .join(" / ");
}

function dollarTable(results: Results): string {
  const rows = pairs(results).map(({ title, one, three }) => [
    title,
    ...(["rows", "requests", "worker", "duration", "total"] as const).map((part) =>
      both((result) => money(dollarsPerMillion(result)[part]), one, three),
    ),
  ]);
  return table(["a million of", "rows", "requests", "Worker", "busy time", "**total**"], rows);
}

const idleClients = 10_000;

const idleTitles = {
  direct: "direct",
  relay: "without `?clientId=`",
  offline: "durable sessions, off line",
} as const;

function idleTable(results: Results): string {
  const rows = results.idle.map((idle) => {
    const { webSocketMessages, alarmsSet, alarmsRun, rowsWritten, dollars, dearer } = idleMonth(
      idle,
      results,
      idleClients,
    );
    return [
      `${idleTitles[idle.kind]}, ${idle.shards === 1 ? "1 shard" : `${idle.shards} shards`}`,
      number(webSocketMessages),
      number(alarmsSet),
      number(alarmsRun),
      number(rowsWritten),
      money(dollars.requests + dollars.rows + dollars.worker),
      money(dollars.duration),
      money(dollars.total),
      money(dearer),
    ];
  });
  const head = ["10,000 clients, a month", "WebSocket messages in", "alarms set", "alarms run", "rows written"];
  return table([...head, "requests, rows, Worker", "duration", "**total**", "at 1 ms a wake"], rows);
}

function comparisonTable(results: Results): string {
  const rows = workloads.map(({ title, says, workload }) => {
    const bills = billsOf(workload, results);
    return [`**${title}**: ${says}`, ...bills.map(({ total }) => money(total))];
  });
  const [first] = workloads;
  const providers = first === undefined ? [] : billsOf(first.workload, results).map(({ provider }) => provider);
  return table(["", ...providers.map((name) => (name === "AWS IoT Core" ? `${name} ¹` : name))], rows);
}

function billTables(results: Results): string {
  const parts = workloads.map(({ title, words, workload }) => {
    const command = `npm run bench:cost -- --calculate ${words.join(" ")}`;
    return `### ${title}\n\n\`\`\`sh\n${command}\n\`\`\`\n\n${billTable(billsOf(workload, results))}`;
  });
  return parts.join("\n\n");
}

const billTable = (bills: readonly Bill[]): string =>
  table(
    ["a month", "amount", "dollars"],
    bills.flatMap(({ provider, lines, total }) => [
      ...lines.map(({ what, amount, dollars }) => [`${provider}: ${what}`, number(amount), money(dollars)]),
      [`**${provider}**`, "", `**${money(total)}**`],
    ]),
  );

function inputTable(): string {
  const rows = Object.entries(inputs).map(([name, input]) => [`\`${name}\``, String(input.default), input.says]);
  return textTable(["input", "default", "what it is"], rows);
}

const nameWidth = 34;
const amountWidth = 18;

/** For the terminal: what was asked, and each provider's bill. */
export function billText(workload: Workload, results: Results): string {
  const asked = Object.entries(workload).map(([name, value]) => `${name}=${Number(value)}`);
  const bills = billsOf(workload, results).map(({ provider, lines, total }) =>
    [
      `${provider}: ${money(total)} a month`,
      ...lines.map(
        ({ what, amount, dollars }) =>
          `  ${what.padEnd(nameWidth)}${number(amount).padStart(amountWidth)}  ${money(dollars)}`,
      ),
    ].join("\n"),
  );
  const note = `Measured at ${results.commit} on ${results.date}; a month is ${hoursPerMonth} hours (${minutesPerMonth} minutes).`;
  return [asked.join(" "), ...bills, note].join("\n\n");
}

/** What a run says at its end. */
export function summaryText(results: Results): string {
  const lines = results.scenarios.map(
    (result) =>
      `${result.shards} shard(s)  ${result.title.padEnd(summaryWidth)} ${number(billedRows(result.perThousand))} rows, ` +
      `${money(dollarsPerMillion(result).total)} a million`,
  );
  const idle = results.idle.map(({ kind, shards }) => {
    const { dollars } = idleMonth(idleResultOf(results, kind, shards), results, idleClients);
    return `${shards} shard(s)  10,000 clients, ${idleTitles[kind]}: ${money(dollars.total)} a month`;
  });
  return [...lines, ...idle].join("\n");
}

const summaryWidth = 72;
