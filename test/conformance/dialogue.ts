// A dialogue as data: rule ids, a sentence and a script, one step a line. The first word names a connection; several
// connections may use one client identifier.
//
//   a connects 02              CONNECT with these flags (hex), keep-alive 60 s and the client identifier {a}: the first
//                              letter of the connection's name; then CONNACK 0, session present 0
//   a resumes 00               the same, and the session is there
//   a connects 02 11 00000064  in MQTT 5: with these properties, whose length is computed; `resumes` likewise
//   a > 30 09 …                one WebSocket message; opens the connection where there is none
//   a < 40 02 0001             these bytes come next
//   a <* 40 02 0001 | 30 …     these packets come next, in any order
//   a <? 90 03 0001 80         these bytes come next, or the server closes the connection
//   a <~ 40 0001 87            a packet comes next with this first byte and a body that begins with the other bytes,
//                              whatever its remaining length and the rest of its body
//   a told 82                  a DISCONNECT with this reason code comes next, and the server closes; of the properties
//                              there may be a reason string and a server reference
//   a refused 85               a CONNACK with session present 0 and this code comes next, likewise, and the server closes
//   a quiet                    nothing came: PUBREL of an unknown packet identifier, and its PUBCOMP is what comes next
//   a closed                   the server closed the connection, and nothing came before
//   a drop                     the network is gone: no DISCONNECT
//   a disconnects              DISCONNECT, and the server closes
//   a text hello               a text frame
//   a offers mqtt, other       opens with these sub-protocols
//   a selected mqtt            the sub-protocol in the server's answer
//   advance 30                 seconds go by, and the alarm that is due runs
//   differ p q                 two captured packet identifiers are not the same; p+q: several captures one behind the other

import type { Version } from "./notation.ts";

export type Step =
  | { readonly kind: "connect"; readonly flags: string; readonly properties: string; readonly resumed: boolean }
  | { readonly kind: "send" | "expect" | "expectStart" | "expectOrClosed"; readonly bytes: string }
  | { readonly kind: "told" | "refused"; readonly reasonCode: string }
  | { readonly kind: "expectAnyOrder"; readonly packets: readonly string[] }
  | { readonly kind: "quiet" | "closed" | "drop" | "disconnect" }
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "offer"; readonly subprotocols: readonly string[] }
  | { readonly kind: "selected"; readonly subprotocol: string }
  | { readonly kind: "advance"; readonly seconds: number }
  | { readonly kind: "differ"; readonly names: readonly string[] };

export interface ScriptLine {
  /** The connection; empty for a step that has none. */
  readonly client: string;
  readonly step: Step;
  readonly source: string;
}

export interface Dialogue {
  /** `[MQTT-3.12.4-1] PINGREQ is answered by PINGRESP` */
  readonly title: string;
  readonly versions: readonly Version[];
  readonly lines: readonly ScriptLine[];
}

const words = (text: string): string[] => text.split(/[\s,]+/).filter((word) => word !== "");

function parseConnect(rest: string, resumed: boolean): Step {
  const [flags = "", ...properties] = rest.split(" ");
  return { kind: "connect", flags, properties: properties.join(" "), resumed };
}

function parseClientStep(verb: string, rest: string): Step | undefined {
  switch (verb) {
    case "connects":
    case "resumes":
      return parseConnect(rest, verb === "resumes");
    case ">":
      return { kind: "send", bytes: rest };
    case "<":
      return { kind: "expect", bytes: rest };
    case "<?":
      return { kind: "expectOrClosed", bytes: rest };
    case "<~":
      return { kind: "expectStart", bytes: rest };
    case "told":
    case "refused":
      return { kind: verb, reasonCode: rest };
    case "<*":
      return { kind: "expectAnyOrder", packets: rest.split("|") };
    case "quiet":
    case "closed":
    case "drop":
      return { kind: verb };
    case "disconnects":
      return { kind: "disconnect" };
    case "text":
      return { kind: "text", text: rest };
    case "offers":
      return { kind: "offer", subprotocols: words(rest) };
    case "selected":
      return { kind: "selected", subprotocol: rest };
    default:
      return undefined;
  }
}

function parseLine(source: string): ScriptLine {
  const [first = "", verb = ""] = source.split(/\s+/, 2);
  if (first === "advance") return { client: "", source, step: { kind: "advance", seconds: Number(verb) } };
  if (first === "differ") return { client: "", source, step: { kind: "differ", names: words(source).slice(1) } };
  const rest = source.slice(source.indexOf(verb, first.length) + verb.length).trim();
  const step = parseClientStep(verb, rest);
  if (step === undefined) throw new Error(`not a step of a dialogue: ${source}`);
  return { client: first, source, step };
}

/**
 * One dialogue.
 *
 * @param rules ids of the statements it shows, without brackets; may be empty
 * @param sentence what the server does
 * @param versions protocol levels it holds for
 * @param script the steps, as described at the top of this file; blank lines and lines that start with `#` are nothing
 */
export function dialogue(
  rules: readonly string[],
  sentence: string,
  versions: readonly Version[],
  script: string,
): Dialogue {
  const lines = script.split("\n").map((line) => line.trim());
  const steps = lines.filter((line) => line !== "" && !line.startsWith("#"));
  const ids = rules.map((rule) => `[${rule}]`).join(" ");
  return { title: `${ids} ${sentence}`.trim(), versions, lines: steps.map(parseLine) };
}
