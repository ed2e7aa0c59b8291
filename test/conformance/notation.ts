// The notation of bytes in the dialogues. A small assembler, not a codec: it knows no packet but the first bytes of
// CONNECT, which differ between the versions; every other length in the data is written by hand.
//
//   82 0a 0001        hex digits, in pairs
//   'news/{t}'        text as UTF-8; {t} is an identifier of three characters, new in every run
//   00*300  'x'*300   repeated
//   (a comment)       nothing
//   {sp}              the session present flag of a resumed session: 01, and 00 in MQTT 3.1, which has none
//   {limits}          the properties that every CONNACK 0 of MQTT 5 begins with, 11 bytes: receive maximum 4096, maximum
//                     packet size 1 MiB, topic alias maximum 16
//   CONNECT 02 …      10, remaining length, protocol name and level of the version; up to a `;` or the end
//   ..  62/6a         in an expectation: any byte; one of these bytes
//   $p                two bytes that the server chose: kept where first expected, then the same wherever they stand

export type Version = 3 | 4 | 5;
export type Ids = Readonly<Record<string, string>>;
/** Packet identifiers that the server chose, by their name in the dialogue. */
export type Captures = Map<string, number>;

export type Item =
  | { readonly kind: "byte"; readonly value: number }
  | { readonly kind: "oneOf"; readonly values: readonly number[] }
  | { readonly kind: "any" }
  | { readonly kind: "capture"; readonly name: string };

interface Notation {
  readonly version: Version;
  readonly ids: Ids;
}

const TOKEN =
  /\s+|\([^)]*\)|(?<connect>CONNECT)\b|(?<end>;)|'(?<text>[^']*)'(?:\*(?<textTimes>\d+))?|\{(?<word>\w+)\}|\$(?<capture>\w+)|(?<oneOf>[0-9a-f]{2}(?:\/[0-9a-f]{2})+)|(?<any>\.\.)|(?<hex>(?:[0-9a-f]{2})+)(?:\*(?<hexTimes>\d+))?/y;

/** The first bytes of a CONNECT payload's owner: name and level (§3.1.2.1, §3.1.2.2). */
const PROTOCOL: Record<Version, string> = {
  3: "0006 'MQIsdp' 03",
  4: "0004 'MQTT' 04",
  5: "0004 'MQTT' 05",
};

/** `{limits}`: the defaults that the server tells every client of MQTT 5 (§3.2.2.3). */
const LIMITS = "21 1000 27 00100000 22 0010";

const encoder = new TextEncoder();

const bytesToItems = (bytes: Iterable<number>): Item[] => Array.from(bytes, (value): Item => ({ kind: "byte", value }));

const hexToBytes = (hex: string): number[] =>
  Array.from({ length: hex.length / 2 }, (_, at) => Number.parseInt(hex.slice(2 * at, 2 * at + 2), 16));

function repeated(items: readonly Item[], times: string | undefined): Item[] {
  return Array.from({ length: Number(times ?? 1) }, () => items).flat();
}

function withIds(text: string, ids: Ids): string {
  return text.replace(/\{(\w+)\}/g, (_, name: string) => {
    const id = ids[name];
    if (id === undefined) throw new Error(`no identifier {${name}}`);
    return id;
  });
}

/** A length as CONNECT has it before its fields and before its properties (§1.5.5). */
export function variableByteInteger(count: number): number[] {
  const low = count % 128;
  const rest = (count - low) / 128;
  return rest === 0 ? [low] : [low | 0x80, ...variableByteInteger(rest)];
}

/** How many bytes the items stand for: a capture is two. */
export const sizeOf = (items: readonly Item[]): number =>
  items.reduce((sum, item) => sum + (item.kind === "capture" ? 2 : 1), 0);

function connectHeader(rest: readonly Item[], notation: Notation): Item[] {
  const protocol = parseBytes(PROTOCOL[notation.version], notation);
  const length = variableByteInteger(sizeOf(protocol) + sizeOf(rest));
  return [...bytesToItems([0x10, ...length]), ...protocol];
}

function parseToken(groups: Record<string, string | undefined>, notation: Notation): Item[] {
  const { text, hex, word, capture, oneOf, any } = groups;
  if (text !== undefined) {
    return repeated(bytesToItems(encoder.encode(withIds(text, notation.ids))), groups["textTimes"]);
  }
  if (hex !== undefined) return repeated(bytesToItems(hexToBytes(hex)), groups["hexTimes"]);
  if (word === "sp") return bytesToItems([notation.version === 3 ? 0 : 1]);
  if (word === "limits") return parseBytes(LIMITS, notation);
  if (word !== undefined) return bytesToItems(encoder.encode(withIds(`{${word}}`, notation.ids)));
  if (capture !== undefined) return [{ kind: "capture", name: capture }];
  if (oneOf !== undefined) return [{ kind: "oneOf", values: oneOf.split("/").flatMap(hexToBytes) }];
  return any === undefined ? [] : [{ kind: "any" }];
}

/** Reads the notation above; throws an Error that quotes what it cannot read. */
export function parseBytes(source: string, notation: Notation): Item[] {
  const items: Item[] = [];
  let connectAt: number | undefined;
  const endConnect = (): void => {
    if (connectAt === undefined) return;
    items.splice(connectAt, 0, ...connectHeader(items.slice(connectAt), notation));
    connectAt = undefined;
  };
  const token = new RegExp(TOKEN);
  while (token.lastIndex < source.length) {
    const from = token.lastIndex;
    const match = token.exec(source);
    if (match === null) throw new Error(`not in the notation of bytes: ${source.slice(from)}`);
    const groups: Record<string, string | undefined> = match.groups ?? {};
    if (groups["connect"] !== undefined) connectAt = items.length;
    else if (groups["end"] !== undefined) endConnect();
    else items.push(...parseToken(groups, notation));
  }
  endConnect();
  return items;
}

/** The bytes to send; throws where a capture has no value yet or the item is a pattern. */
export function toBytes(items: readonly Item[], captures: Captures): Uint8Array {
  const bytes = items.flatMap((item) => {
    if (item.kind === "byte") return [item.value];
    if (item.kind !== "capture") throw new Error("a pattern cannot be sent");
    const value = captures.get(item.name);
    if (value === undefined) throw new Error(`$${item.name} was not received yet`);
    return [value >> 8, value & 0xff];
  });
  return Uint8Array.from(bytes);
}

function captured(name: string, value: number, captures: Captures): boolean {
  const known = captures.get(name);
  if (known !== undefined) return known === value;
  captures.set(name, value);
  return value !== 0; // a packet identifier is never zero [MQTT-2.3.1-1 v3.1.1]
}

/** Whether the bytes are what the items describe; new captures are kept in `captures` only where they are. */
export function matchBytes(items: readonly Item[], bytes: Uint8Array, captures: Captures): boolean {
  if (sizeOf(items) !== bytes.length) return false;
  const found: Captures = new Map(captures);
  let at = 0;
  for (const item of items) {
    const value = bytes[at] ?? 0;
    if (item.kind === "capture") {
      if (!captured(item.name, value * 256 + (bytes[at + 1] ?? 0), found)) return false;
      at += 2;
      continue;
    }
    at += 1;
    if (item.kind === "byte" && item.value !== value) return false;
    if (item.kind === "oneOf" && !item.values.includes(value)) return false;
  }
  for (const [name, value] of found) captures.set(name, value);
  return true;
}

/** What stands behind the fixed header, whatever its remaining length. */
export function bodyOf(packet: Uint8Array): Uint8Array {
  const last = packet.subarray(1).findIndex((byte) => byte < 0x80);
  return packet.subarray(last + 2);
}

/** Whether the packet has this first byte, and a body that begins with what the other items describe. */
export function matchStart(items: readonly Item[], packet: Uint8Array, captures: Captures): boolean {
  const size = sizeOf(items);
  const start = [...packet.subarray(0, 1), ...bodyOf(packet)].slice(0, size);
  return matchBytes(items, Uint8Array.from(start), captures);
}

const REASON_STRING = 0x1f;
const SERVER_REFERENCE = 0x1c;

/**
 * Whether the bytes are the end of a DISCONNECT or of a CONNACK that refuses: nothing, or a length and what these may say:
 * a reason string and a server reference (§3.2.2.3, §3.14.2.2).
 */
export function isReason(bytes: Uint8Array): boolean {
  if (bytes.length === 0) return true;
  const properties = bodyOf(Uint8Array.of(0, ...bytes));
  const length = variableByteInteger(properties.length);
  let at = 0;
  while (at < properties.length) {
    if (properties[at] !== REASON_STRING && properties[at] !== SERVER_REFERENCE) return false;
    at += 3 + (properties[at + 1] ?? 0) * 256 + (properties[at + 2] ?? 0);
  }
  return at === properties.length && toHex(bytes) === toHex(Uint8Array.of(...length, ...properties));
}

export const toHex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");

/** The items as a reader would write them, for a failure's message. */
export const describeItems = (items: readonly Item[]): string =>
  items
    .map((item) => {
      switch (item.kind) {
        case "byte":
          return item.value.toString(16).padStart(2, "0");
        case "any":
          return "..";
        case "oneOf":
          return item.values.map((value) => value.toString(16).padStart(2, "0")).join("/");
        case "capture":
          return `$${item.name}`;
      }
    })
    .join(" ");
