// The `mqtt-*` headers: how the properties of a message travel beside a raw body, in both directions.

import type { MessageProperties, UserProperties } from "../core/packet.ts";
import type { RetainedValue } from "../objects/shard-api.ts";
import { decodeBase64, encodeBase64 } from "./body.ts";
import { decodeUtf8 } from "./utf8.ts";

export const messageHeaders = {
  topic: "mqtt-topic",
  qos: "mqtt-qos",
  retain: "mqtt-retain",
  messageExpiry: "mqtt-message-expiry",
  contentType: "mqtt-content-type",
  responseTopic: "mqtt-response-topic",
  correlationData: "mqtt-correlation-data",
  userProperties: "mqtt-user-properties",
  payloadFormatIndicator: "mqtt-payload-format-indicator",
} as const;

export const messageHeaderNames: readonly string[] = Object.values(messageHeaders);

/** The headers of a retained value. Its content type goes into `content-type`, as far as HTTP can say it. */
export function headersOf(value: RetainedValue): Headers {
  const { properties = {} } = value;
  const headers = new Headers({
    "content-type": contentTypeOf(properties),
    "last-modified": new Date(value.publishedAtMs).toUTCString(),
    [messageHeaders.topic]: encodeText(value.topicName),
    [messageHeaders.qos]: String(value.qos),
    [messageHeaders.retain]: "1",
  });
  const optional = {
    [messageHeaders.messageExpiry]: value.messageExpiryIntervalSec?.toString(),
    [messageHeaders.contentType]: mapped(properties.contentType, encodeText),
    [messageHeaders.responseTopic]: mapped(properties.responseTopic, encodeText),
    [messageHeaders.correlationData]: mapped(properties.correlationData, encodeBase64),
    [messageHeaders.userProperties]: mapped(properties.userProperties, encodeUserProperties),
    [messageHeaders.payloadFormatIndicator]: properties.payloadFormatIndicator?.toString(),
  };
  for (const [name, text] of Object.entries(optional)) if (text !== undefined) headers.set(name, text);
  return headers;
}

const mapped = <T>(value: T | undefined, encode: (value: T) => string): string | undefined =>
  value === undefined ? undefined : encode(value);

function contentTypeOf(properties: MessageProperties): string {
  const { contentType } = properties;
  if (contentType !== undefined && isMediaType(contentType)) return contentType;
  return properties.payloadFormatIndicator === 1 ? "text/plain; charset=utf-8" : "application/octet-stream";
}

/** `type/subtype` with parameters of visible ASCII; in MQTT a content type may be any text. */
const isMediaType = (text: string): boolean => /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+(?:;[ -~]*)?$/u.test(text);

/** Text for a header: percent-encoded where it is not visible ASCII, or holds a `%`. */
export const encodeText = (text: string): string =>
  text.replaceAll(/[^!-$&-~]+/gu, (run) => encodeURIComponent(run.toWellFormed()));

/** The way back; `undefined` for broken percent-encoding or UTF-8. */
export function decodeText(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

const encodeUserProperties = (properties: UserProperties): string =>
  encodeBase64(new TextEncoder().encode(JSON.stringify(properties.map(([name, value]) => ({ [name]: value })))));

/** Base64 of JSON; `undefined` for anything else than user properties. */
export function decodeUserProperties(text: string): UserProperties | undefined {
  const bytes = decodeBase64(text);
  return bytes === undefined ? undefined : userPropertiesOf(parseUtf8Json(bytes));
}

/** From `[{"name":"value"}, …]`, or one such object; `undefined` for anything else. */
export function userPropertiesOf(value: unknown): UserProperties | undefined {
  const objects: unknown[] = Array.isArray(value) ? value : [value];
  const pairs: [string, string][] = [];
  for (const item of objects) {
    if (typeof item !== "object" || item === null || Array.isArray(item)) return undefined;
    for (const [name, text] of Object.entries(item)) {
      if (typeof text !== "string") return undefined;
      pairs.push([name, text]);
    }
  }
  return pairs;
}

function parseUtf8Json(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decodeUtf8(bytes) ?? "") as unknown;
  } catch {
    return undefined;
  }
}
