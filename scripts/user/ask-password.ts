// The new password: typed twice and unseen on a terminal, else the first line of standard input.

import type { ReadStream } from "node:tty";

const enter = new Set(["\r", "\n", "\u0004"]);
const interrupt = "\u0003";
const erase = new Set(["\u007f", "\b"]);

/** The password, or a sentence that says why there is none. */
export async function askPassword(input: ReadStream, name: string): Promise<{ password: string } | string> {
  if (!input.isTTY) return checked(await readFirstLine(input));
  const first = await askUnseen(input, `Password for ${name}: `);
  if (first === undefined) return "Interrupted.";
  const second = await askUnseen(input, "Once more: ");
  if (second === undefined) return "Interrupted.";
  return first === second ? checked(first) : "The two passwords differ.";
}

const checked = (password: string): { password: string } | string =>
  password === "" ? "The password is empty." : { password };

async function readFirstLine(input: ReadStream): Promise<string> {
  let text = "";
  for await (const chunk of input.setEncoding("utf8")) {
    text += String(chunk);
    // The other side may keep the pipe open.
    if (text.includes("\n")) break;
  }
  return text.split(/\r?\n/u)[0] ?? "";
}

/** One line from the terminal, without echo; `undefined` where Ctrl-C was typed. */
function askUnseen(input: ReadStream, question: string): Promise<string | undefined> {
  // First: what is typed before it is seen.
  input.setRawMode(true);
  process.stderr.write(question);
  input.setEncoding("utf8");
  input.resume();
  const typed: string[] = [];
  return new Promise((resolve) => {
    const end = (result: string | undefined, rest = ""): void => {
      input.off("data", onData);
      input.setRawMode(false);
      input.pause();
      process.stderr.write("\n");
      // What was typed ahead is for the next question.
      if (rest !== "") input.unshift(rest);
      resolve(result);
    };
    const onData = (data: string): void => {
      const characters = Array.from(data);
      for (const [index, character] of characters.entries()) {
        if (character === interrupt) return end(undefined);
        if (enter.has(character)) return end(typed.join(""), characters.slice(index + 1).join(""));
        if (erase.has(character)) typed.pop();
        else typed.push(character);
      }
    };
    input.on("data", onData);
  });
}
