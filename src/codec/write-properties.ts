// Writes MQTT 5 properties in the order in which they are given, by the rows of `properties.ts`.

import type { UserProperties } from "../core/packet.ts";
import type { PacketWriter } from "./packet-writer.ts";
import { propertyRowByName, type Properties, type PropertyType } from "./properties.ts";

type Write = (writer: PacketWriter, id: number, value: unknown) => void;

const writeBit: Write = (writer, id, value) => void writer.byte(id).byte(Number(value));

const writers: { readonly [Type in PropertyType]: Write } = {
  bit: writeBit,
  flag: writeBit,
  uint16: (writer, id, value) => void writer.byte(id).uint16(value as number),
  uint32: (writer, id, value) => void writer.byte(id).uint32(value as number),
  varint: (writer, id, value) => void writer.byte(id).varint(value as number),
  string: (writer, id, value) => void writer.byte(id).string(value as string),
  binary: (writer, id, value) => void writer.byte(id).binary(value as Uint8Array),
  pair: (writer, id, pairs) => {
    for (const [name, value] of pairs as UserProperties) writer.byte(id).string(name).string(value);
  },
};

/** Without their length; what is `undefined` is none. */
export function writeProperties(writer: PacketWriter, properties: Readonly<Properties>): void {
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined) continue;
    const row = propertyRowByName.get(name);
    if (row === undefined) throw new Error(`unknown property ${name}`);
    writers[row.type](writer, row.id, value);
  }
}
