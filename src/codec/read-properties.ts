// Reads MQTT 5 properties. Ours rather than the library's, which loses the order of user properties [MQTT-3.3.2-18],
// overwrites a repeated property whose first value was 0, and reads past the end of the list.

import { reasonCode } from "../core/reason-code.ts";
import { limitPassed, malformed, protocolError, type Violation } from "../core/violation.ts";
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

/** Whether the property may not stand here at all. */
function judgePlace(id: number, row: PropertyRow | undefined, place: PropertyPlace): Violation | undefined {
  if (row?.places.includes(place)) return undefined;
  if (row?.fromServer?.place === place) return row.fromServer.violation;
  // §2.2.2.2: an identifier that is not valid for its packet type makes the packet malformed.
  return malformed(`property ${id} in ${place}`);
}

function judgeValue(row: PropertyRow, value: Value): Violation | undefined {
  if (value === 0) return row.zeroIs;
  return typeof value === "string" ? row.judge?.(value) : undefined;
}

function store(cursor: PacketCursor, row: PropertyRow, value: Value, into: Record<string, unknown>): void {
  if (row.type === "pair") {
    const list = (into[row.name] ??= []) as Value[];
    list.push(value);
    if (list.length > cursor.mostUserProperties) cursor.fail(tooManyUserProperties);
    return;
  }
  const refusal = judgeValue(row, value) ?? (row.name in into ? protocolError(`${row.name} comes twice`) : undefined);
  if (refusal !== undefined) cursor.fail(refusal);
  into[row.name] = value;
}

const tooManyUserProperties = limitPassed(
  "maximumUserProperties",
  reasonCode.quotaExceeded,
  "too many user properties in one packet",
);

function readProperty(cursor: PacketCursor, place: PropertyPlace, into: Record<string, unknown>): void {
  const id = cursor.variableByteInteger("property identifier");
  const row = propertyRowById.get(id);
  const refusal = judgePlace(id, row, place);
  if (refusal !== undefined) cursor.fail(refusal);
  else if (row !== undefined) store(cursor, row, readers[row.type](cursor, row.name), into);
}

/**
 * Reads a list of properties with its length; failures are the cursor's.
 *
 * @returns `undefined` for an empty list.
 */
export function readProperties(cursor: PacketCursor, place: PropertyPlace): Properties | undefined {
  const length = cursor.variableByteInteger("property length");
  if (length === 0) return undefined;
  const list = cursor.part(length, "list of properties");
  const properties: Record<string, unknown> = {};
  while (!list.atEnd) readProperty(list, place, properties);
  if (list.failure !== undefined) cursor.fail(list.failure);
  return properties;
}
