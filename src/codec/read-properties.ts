// Reads MQTT 5 properties. Ours rather than the library's, which loses the order of user properties [MQTT-3.3.2-18],
// overwrites a repeated property whose first value was 0, and reads past the end of the list.

import { malformed, protocolError, refused } from "../core/violation.ts";
import type { PacketCursor } from "./packet-cursor.ts";
import {
  propertyRowById,
  type Properties,
  type PropertyPlace,
  type PropertyRow,
  type PropertyType,
} from "./properties.ts";

type Value = number | boolean | string | Uint8Array | readonly [name: string, value: string];

function readBit(cursor: PacketCursor, what: string): number {
  const value = cursor.byte(what);
  if (value > 1) cursor.fail(protocolError(`${what} is ${value}`));
  return value;
}

const readers: { readonly [Type in PropertyType]: (cursor: PacketCursor, what: string) => Value } = {
  bit: readBit,
  flag: (cursor, what) => readBit(cursor, what) === 1,
  uint16: (cursor, what) => cursor.uint16(what),
  uint32: (cursor, what) => cursor.uint32(what),
  varint: (cursor, what) => cursor.variableByteInteger(what),
  string: (cursor, what) => cursor.string(what),
  // A copy: a few bytes that outlive the packet should not keep its whole frame in memory.
  binary: (cursor, what) => new Uint8Array(cursor.binary(what)),
  pair: (cursor, what) => [cursor.string(what), cursor.string(what)],
};

function store(cursor: PacketCursor, row: PropertyRow, value: Value, into: Record<string, unknown>): void {
  if (row.type === "pair") {
    const list = (into[row.name] ??= []) as Value[];
    list.push(value);
    return;
  }
  if (value === 0 && row.zeroIs !== undefined) cursor.fail(refused(row.zeroIs, `${row.name} is 0`));
  if (row.name in into) cursor.fail(protocolError(`${row.name} comes twice`));
  into[row.name] = value;
}

function readProperty(cursor: PacketCursor, place: PropertyPlace, into: Record<string, unknown>): void {
  const id = cursor.variableByteInteger("property identifier");
  const row = propertyRowById.get(id);
  // §2.2.2.2: an identifier that is not valid for its packet type makes the packet malformed.
  if (row === undefined || !row.places.includes(place)) {
    cursor.fail(malformed(`property ${id} in ${place}`));
    return;
  }
  store(cursor, row, readers[row.type](cursor, row.name), into);
}

/**
 * Reads a list of properties with its length; failures are the cursor's.
 *
 * @returns `undefined` for an empty list.
 */
export function readProperties(cursor: PacketCursor, place: PropertyPlace): Properties | undefined {
  const length = cursor.variableByteInteger("property length");
  if (length === 0) return undefined;
  const end = cursor.at + length;
  if (end > cursor.end) cursor.fail(malformed("the packet ends within its properties"));
  const properties: Record<string, unknown> = {};
  while (cursor.at < end && cursor.failure === undefined) readProperty(cursor, place, properties);
  if (cursor.failure === undefined && cursor.at > end) cursor.fail(malformed("a property passes the property length"));
  return properties;
}
