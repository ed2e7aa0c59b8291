// The lines of a backup: NDJSON, a header, a line for each record, an end with what there should be. Bytes are base64.
// Unknown fields are ignored, so that later versions may add some; what may not be ignored gets a new version number.

import * as v from "valibot";
import { fail, ok, type Result } from "../core/brand.ts";
import type { Limits } from "../core/limits.ts";
import type { Message } from "../core/packet.ts";
import { publishSize } from "../core/publish-size.ts";
import { parseSubscriptionFilter, parseTopicName, utf8Length } from "../core/topic.ts";
import type { TransferRecord } from "../core/transfer/record.ts";
import { decodeBase64, encodeBase64 } from "./body.ts";
import { decodeUtf8 } from "./utf8.ts";

export const backupContentType = "application/x-ndjson";
export const backupVersion = 1;
const headerType = "durable-mqtt-export";

const MiB = 1024 * 1024;
/** The largest message in base64 with the largest list of addressees that an export writes, and room to spare. */
export const maximumLineBytes = 8 * MiB;

/** Everything but idempotency keys, which live for a day. */
export type BackupRecord = Exclude<TransferRecord, { kind: "idempotency" }>;

export interface BackupHeader {
  readonly namespace: string;
  /** Of this export and no other: by it a repeated import is known. */
  readonly exportId: string;
  /** RFC 3339. */
  readonly exportedAt: string;
}

export type BackupLine =
  | ({ readonly type: "header" } & BackupHeader)
  | { readonly type: "record"; readonly record: BackupRecord }
  /** `records`: how many lines there are between header and end. */
  | { readonly type: "end"; readonly records: number };

const encoder = new TextEncoder();
const toBase64 = (_key: string, value: unknown): unknown => (value instanceof Uint8Array ? encodeBase64(value) : value);

const lineOf = (value: object): string => `${JSON.stringify(value, toBase64)}\n`;

export const headerLine = (header: BackupHeader): Uint8Array =>
  encoder.encode(lineOf({ type: headerType, version: backupVersion, ...header }));

export const recordLines = (records: readonly BackupRecord[]): Uint8Array =>
  encoder.encode(records.map(({ kind, ...fields }) => lineOf({ type: kind, ...fields })).join(""));

export const endLine = (records: number): Uint8Array => encoder.encode(lineOf({ type: "end", records }));

const safeInteger = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
/** An alarm cannot be set for later: the runtime counts nanoseconds in 64 bits. */
const latestMs = 9_000_000_000_000;
const timeMs = v.pipe(safeInteger, v.maxValue(latestMs));
const positive = v.pipe(v.number(), v.safeInteger(), v.minValue(1));
const maximumPacketId = 65_535;
const packetId = v.pipe(positive, v.maxValue(maximumPacketId));
/** A variable byte integer (§3.8.2.1.2). */
const maximumIdentifier = 268_435_455;
const identifier = v.pipe(positive, v.maxValue(maximumIdentifier));
const maximumFourBytes = 0xffff_ffff;
const fourBytes = v.pipe(safeInteger, v.maxValue(maximumFourBytes));
const qos = v.picklist([0, 1, 2]);
/** Strings and binary data carry a length of two bytes (§1.5.4, §1.5.6). */
const maximumFieldBytes = 65_535;
const text = v.pipe(
  v.string(),
  v.check((value) => value.isWellFormed() && !value.includes("\u0000"), "not a string that MQTT can carry"),
  v.check((value) => utf8Length(value) <= maximumFieldBytes, "too long"),
);
const bytes = v.pipe(
  v.string(),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const decoded = decodeBase64(dataset.value);
    if (decoded !== undefined) return decoded;
    addIssue({ message: "not base64" });
    return NEVER;
  }),
);

const largestQos = 2;

/** What a record may be depends on this broker's limits. */
export function lineReader(limits: Limits): (line: Uint8Array) => Result<BackupLine, string> {
  const schemas = schemasFor(limits);
  return (line) => {
    const value = parse(line);
    if (value === undefined) return fail("not JSON in UTF-8");
    const typed = v.safeParse(v.object({ type: v.string() }), value);
    if (!typed.success) return fail("not an object with a type");
    const { type } = typed.output;
    if (type === headerType) return readHeader(value);
    if (type === "end") {
      const end = v.safeParse(v.object({ records: safeInteger }), value);
      return end.success ? ok({ type: "end", records: end.output.records }) : fail(faultOf(end.issues));
    }
    const schema = Object.hasOwn(schemas, type) ? schemas[type as keyof typeof schemas] : undefined;
    if (schema === undefined) return fail(`no such type of record: ${JSON.stringify(type.slice(0, shownCharacters))}`);
    const read = v.safeParse(schema, value);
    if (!read.success) return fail(faultOf(read.issues));
    const { type: kind, ...fields } = read.output;
    return ok({ type: "record", record: { kind, ...fields } as unknown as BackupRecord });
  };
}

const shownCharacters = 40;

function parse(line: Uint8Array): unknown {
  try {
    return JSON.parse(decodeUtf8(line) ?? "") as unknown;
  } catch {
    return undefined; // the parser's own message quotes the line
  }
}

function readHeader(value: unknown): Result<BackupLine, string> {
  const version = v.safeParse(v.object({ version: positive }), value);
  if (!version.success) return fail(faultOf(version.issues));
  if (version.output.version > backupVersion) {
    return fail(
      `the export has version ${version.output.version}, this version of the broker knows versions up to ${backupVersion}`,
    );
  }
  const header = v.safeParse(v.object({ namespace: text, exportId: exportIdSchema, exportedAt: text }), value);
  return header.success ? ok({ type: "header", ...header.output }) : fail(faultOf(header.issues));
}

const longestExportId = 64;
/** It is part of the name of a row. */
const exportIdSchema = v.pipe(v.string(), v.regex(/^[\w-]+$/u, "no export id"), v.maxLength(longestExportId));

/** The field, and what is wrong with it; never its value. */
function faultOf(issues: readonly [v.BaseIssue<unknown>, ...v.BaseIssue<unknown>[]]): string {
  const [issue] = issues;
  const path = v.getDotPath(issue);
  const what = issue.kind === "schema" ? `${issue.expected ?? "something else"} expected` : issue.message;
  return path === null ? what : `${path}: ${what}`;
}

function schemasFor(limits: Limits) {
  const topicName = checked((raw) => parseTopicName(raw, limits));
  const filter = checked((raw) => parseSubscriptionFilter(raw, limits));
  const sharedFilter = v.pipe(filter, v.startsWith("$share/", "no filter of a shared group"));
  const clientId = v.pipe(
    text,
    v.nonEmpty(),
    v.check(within(limits.maximumClientIdBytes), "the client id is too long"),
  );
  const username = v.exactOptional(
    v.pipe(text, v.check(within(limits.maximumUsernameBytes), "the user name is too long")),
  );
  const properties = v.exactOptional(
    v.object({
      payloadFormatIndicator: v.exactOptional(v.picklist([0, 1])),
      messageExpiryIntervalSec: v.exactOptional(fourBytes),
      contentType: v.exactOptional(text),
      responseTopic: v.exactOptional(topicName),
      correlationData: v.exactOptional(
        v.pipe(
          bytes,
          v.check((data) => data.length <= maximumFieldBytes, "too long"),
        ),
      ),
      userProperties: v.exactOptional(
        v.pipe(v.array(v.tuple([text, text])), v.maxLength(limits.maximumUserProperties)),
      ),
    }),
  );
  const content = { topicName, payload: bytes, qos, retain: v.boolean(), properties };
  const fits = (value: object): boolean =>
    publishSize(value as Message, largestQos, [], "first") <= limits.maximumPacketSize;
  const tooLarge = `more than ${limits.maximumPacketSize} bytes as a packet`;
  const message = v.pipe(
    v.object({ ...content, expiresAtMs: v.exactOptional(timeMs) }),
    v.check((value) => fits(value), tooLarge),
  );
  const subscriptions = v.array(
    v.object({
      filter,
      number: positive,
      qos,
      noLocal: v.boolean(),
      retainAsPublished: v.boolean(),
      retainHandling: v.picklist([0, 1, 2]),
      subscriptionIdentifier: v.exactOptional(identifier),
    }),
  );
  const retained = v.pipe(
    message,
    v.check(({ retain, payload }) => retain && payload.length > 0, "not a retained message"),
    v.check(({ topicName: topic }) => !isSysTopic(topic), "a topic of the broker's own"),
  );
  const addressee = v.object({
    clientId,
    qos: v.picklist([1, 2]),
    retain: v.boolean(),
    subscriptionIdentifiers: v.exactOptional(
      v.pipe(v.array(identifier), v.maxLength(limits.maximumSubscriptionsPerSession)),
    ),
    sent: v.exactOptional(v.object({ packetId, released: v.boolean() })),
    handedBy: v.exactOptional(sharedFilter),
  });
  const sessionAddressee = v.pipe(
    addressee,
    v.check(({ qos: granted, sent }) => granted === 2 || sent?.released !== true, "released, and not of QoS 2"),
  );
  return {
    session: v.object({
      type: v.literal("session"),
      clientId,
      username,
      protocolVersion: v.picklist([3, 4, 5]),
      expiryIntervalSec: v.pipe(fourBytes, v.minValue(1)),
      expiresAtMs: v.exactOptional(timeMs),
      receiveMaximum: packetId,
      createdAtMs: timeMs,
      subscriptions,
      nextSubscriptionNumber: positive,
      inbound: v.pipe(v.array(packetId), v.maxLength(limits.receiveMaximum)),
      replays: v.exactOptional(v.array(filter)),
    }),
    subscriptions: v.object({ type: v.literal("subscriptions"), clientId, subscriptions }),
    message: v.object({
      type: v.literal("message"),
      message,
      audience: v.pipe(
        v.array(v.union([v.object({ group: sharedFilter }), sessionAddressee])),
        v.minLength(1),
        v.check((all) => new Set(all.map(addressOf)).size === all.length, "somebody comes twice"),
      ),
    }),
    retained: v.object({ type: v.literal("retained"), message: retained, publishedAtMs: timeMs }),
    will: v.object({
      type: v.literal("will"),
      clientId: v.union([v.literal(""), clientId]),
      username,
      will: v.pipe(
        v.object({ ...content, willDelayIntervalSec: v.exactOptional(fourBytes) }),
        v.check((value) => fits(value), tooLarge),
      ),
      dueAtMs: v.exactOptional(timeMs),
    }),
  };
}

const isSysTopic = (topicName: string): boolean => topicName.startsWith("$SYS/");

const addressOf = (addressee: { group: string } | { clientId: string }): string =>
  "group" in addressee ? addressee.group : `/${addressee.clientId}`;

const within =
  (maximumBytes: number) =>
  (value: string): boolean =>
    utf8Length(value) <= maximumBytes;

/** A string that the core's own parser takes. */
const checked = (parseText: (raw: string) => Result<unknown, { readonly detail: string }>) =>
  v.pipe(
    v.string(),
    v.rawCheck(({ dataset, addIssue }) => {
      if (!dataset.typed) return;
      const parsed = parseText(dataset.value);
      if (!parsed.ok) addIssue({ message: parsed.error.detail });
    }),
  );
