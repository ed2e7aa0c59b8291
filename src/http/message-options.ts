// QoS, retain flag and properties of a message whose body is raw: from the query or from `mqtt-*` headers. The query
// wins.

import { fail, ok, type Result } from "../core/brand.ts";
import type { MessageProperties, QoS } from "../core/packet.ts";
import { decodeBase64 } from "./body.ts";
import { decodeText, decodeUserProperties, messageHeaders } from "./message-headers.ts";
import { problem, type Problem } from "./problem.ts";

export interface MessageOptions {
  readonly qos: QoS;
  readonly retain: boolean;
  readonly properties: MessageProperties;
}

/** Reads and checks all options; fails with 400 naming the first that has no meaning. */
export function readMessageOptions(url: URL, headers: Headers): Result<MessageOptions, Problem> {
  const source = new OptionSource(url.searchParams, headers);
  const options: MessageOptions = {
    qos: source.read("qos", parseQos) ?? 0,
    retain: source.read("retain", parseFlag) ?? false,
    properties: defined({
      payloadFormatIndicator: source.read("payloadFormatIndicator", parseIndicator),
      messageExpiryIntervalSec: source.read("messageExpiry", parseSeconds),
      contentType: source.read("contentType", (text) => text) ?? bodyType(headers),
      responseTopic: source.read("responseTopic", (text) => text),
      correlationData: source.read("correlationData", decodeBase64),
      userProperties: source.read("userProperties", decodeUserProperties),
    }),
  };
  return source.wrong === undefined ? ok(options) : fail(source.wrong);
}

/** Remembers the first option that could not be read. */
class OptionSource {
  readonly #query: URLSearchParams;
  readonly #headers: Headers;
  wrong: Problem | undefined;

  constructor(query: URLSearchParams, headers: Headers) {
    this.#query = query;
    this.#headers = headers;
  }

  read<T>(name: keyof typeof expected, parse: (text: string) => T | undefined): T | undefined {
    const text = this.#query.get(name) ?? this.#fromHeader(name);
    if (text === undefined) return undefined;
    const value = text === null ? undefined : parse(text);
    if (value === undefined) {
      this.wrong ??= problem(400, `${name} (header ${messageHeaders[name]}) must be ${expected[name]}`);
    }
    return value;
  }

  /** `undefined` where there is none, `null` where its percent-encoding is broken. */
  #fromHeader(name: keyof typeof expected): string | null | undefined {
    const text = this.#headers.get(messageHeaders[name]);
    if (text === null) return undefined;
    return isText(name) ? (decodeText(text) ?? null) : text;
  }
}

const isText = (name: string): boolean => name === "contentType" || name === "responseTopic";

const expected = {
  qos: "0, 1 or 2",
  retain: "true, false, 1 or 0",
  payloadFormatIndicator: "0, 1, UNSPECIFIED_BYTES or UTF8_DATA",
  messageExpiry: "seconds from 0 to 4294967295",
  contentType: "text, percent-encoded where it is not ASCII",
  responseTopic: "a topic name, percent-encoded where it is not ASCII",
  correlationData: "base64",
  userProperties: 'base64 of JSON like [{"name":"value"}]',
} as const;

const parseQos = (text: string): QoS | undefined =>
  text === "0" || text === "1" || text === "2" ? (Number(text) as QoS) : undefined;

const flags: Readonly<Record<string, boolean>> = { true: true, "1": true, false: false, "0": false };
const parseFlag = (text: string): boolean | undefined => flags[text.toLowerCase()];

const indicators: Readonly<Record<string, 0 | 1>> = { "0": 0, unspecified_bytes: 0, "1": 1, utf8_data: 1 };
const parseIndicator = (text: string): 0 | 1 | undefined => indicators[text.toLowerCase()];

/** Message Expiry Interval is a four byte integer (§3.3.2.3.3). */
export const maximumExpirySec = 0xffff_ffff;

function parseSeconds(text: string): number | undefined {
  const seconds = /^\d{1,10}$/u.test(text) ? Number(text) : Infinity;
  return seconds <= maximumExpirySec ? seconds : undefined;
}

/** The body's own type, but for the one that `curl -d` states whatever the data is. */
function bodyType(headers: Headers): string | undefined {
  const type = headers.get("content-type");
  if (type === null || type.startsWith("application/x-www-form-urlencoded")) return undefined;
  return type;
}

type Defined<T> = { [Key in keyof T]?: Exclude<T[Key], undefined> };

/** Without the members that are undefined. */
export const defined = <T extends object>(value: T): Defined<T> =>
  Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as Defined<T>;
