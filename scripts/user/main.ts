// `npm run user -- NAME`: makes an entry for the USERS secret. Standard output is JSON only: the entry, and where there
// is an existing USERS (the variable, or --users FILE) on the next line the whole array with the entry in it.

import { readFileSync } from "node:fs";
import { readArguments, type UserArguments } from "./arguments.ts";
import { askPassword } from "./ask-password.ts";
import { makeEntry, mergeEntry, problemWith, readExisting, type UserEntry } from "./entry.ts";

/** The whole run; a string is the sentence to fail with. */
async function run(argv: readonly string[]): Promise<string | undefined> {
  const wanted = readArguments(argv);
  if (typeof wanted === "string") return wanted;
  const existing = findExisting(wanted);
  if (typeof existing === "string") return existing;
  // What is wrong with the name or the rules is said before a password is asked for.
  const rehearsal = problemWith([await makeEntry(wanted, "rehearsal")]);
  if (rehearsal !== undefined) return rehearsal;
  const answer = await askPassword(process.stdin, wanted.name);
  if (typeof answer === "string") return answer;
  const entry = await makeEntry(wanted, answer.password);
  const merged = mergeEntry(existing ?? [], entry);
  const problem = problemWith(merged);
  if (problem !== undefined) return problem;
  print(entry, existing === undefined ? undefined : merged);
  return undefined;
}

function findExisting(wanted: UserArguments): readonly UserEntry[] | undefined | string {
  if (wanted.usersFile === undefined) {
    const value = process.env["USERS"] ?? "";
    return value.trim() === "" ? undefined : readExisting(value);
  }
  try {
    return readExisting(readFileSync(wanted.usersFile, "utf8"));
  } catch {
    return `The file ${wanted.usersFile} cannot be read.`;
  }
}

function print(entry: UserEntry, merged: readonly UserEntry[] | undefined): void {
  console.log(JSON.stringify(entry));
  if (merged === undefined) {
    console.error("Put this entry into the array USERS: USERS='[ENTRY]'.");
    return;
  }
  console.log(JSON.stringify(merged));
  console.error("First the entry, then the new value of USERS.");
}

const failure = await run(process.argv.slice(2));
if (failure !== undefined) {
  console.error(failure);
  process.exitCode = 1;
}
