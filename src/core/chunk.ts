// The packed form of a chunk, a row of the message log: messages that came together, their positions, and a
// dictionary of topics and audiences (design §4.4). The summary beside the data is all that the directory reads.

import { unpackAudience } from "./audience.ts";
import { AudienceEntry, type Bodies } from "./audience-entry.ts";
import type { Position, TopicName } from "./brand.ts";
import { expectVersion } from "./message-codec.ts";
import { PackedReader, PackedWriter } from "./packed.ts";
import { readSessionSet, union, writeSessionSet, type SessionSet } from "./session-set.ts";

/** What the directory knows of a chunk without reading it. */
export interface ChunkSummary {
  readonly sessions: SessionSet;
  /** Messages in it. */
  readonly count: number;
  /** Length of the packed data. */
  readonly bytes: number;
}

const chunkVersion = 1;
const summaryVersion = 1;
/** What a message takes at most in the index of a chunk, roughly. */
const indexBytes = 12;
const dictionaryBytes = 256;

/** `first`: the row's key, not after the first entry. Entries in the order of positions. */
export function packChunk(first: Position, entries: readonly AudienceEntry[]): Uint8Array<ArrayBuffer> {
  if (entries.length === 0) return new Uint8Array(0);
  const topics = indexed(entries, (entry) => entry.topicName);
  const audiences = indexed(entries, (entry) => entry.audience);
  const bodyBytes = entries.reduce((sum, { bodyLength }) => sum + bodyLength, 0);
  const writer = new PackedWriter(bodyBytes + entries.length * indexBytes + dictionaryBytes).byte(chunkVersion);
  writer.uint(topics.size);
  for (const topicName of topics.keys()) writer.string(topicName);
  writer.uint(audiences.size);
  for (const audience of audiences.keys()) writer.bytes(audience.packed);
  // The index comes before all bodies: a session that wants one message of many decodes that one alone.
  writer.uint(entries.length);
  let last = first;
  for (const { position, topicName, audience, size, bodyLength } of entries) {
    writer.uint(position - last).uint(topics.get(topicName) as number);
    writer
      .uint(audiences.get(audience) as number)
      .uint(size)
      .uint(bodyLength);
    last = position;
  }
  AudienceEntry.writeBodies(writer, entries);
  return writer.finish();
}

/** Reads `packChunk`; payloads are views of `data`, decoded when asked for. Throws on an unknown version. */
export function unpackChunk(first: Position, data: Uint8Array): AudienceEntry[] {
  if (data.length === 0) return []; // emptied: the row stands for its position alone
  const reader = new PackedReader(data);
  expectVersion("chunk", reader.byte(), chunkVersion);
  const topics = readList(reader, () => reader.string() as TopicName);
  const audiences = readList(reader, () => unpackAudience(reader.bytes()));
  let last: number = first;
  const index = readList(reader, () => ({
    position: (last += reader.uint()) as Position,
    topicName: at(topics, reader.uint()),
    audience: at(audiences, reader.uint()),
    size: reader.uint(),
    length: reader.uint(),
  }));
  const bodies: Bodies = { written: data };
  let start = reader.offset;
  const entries = index.map(({ position, topicName, audience, size, length }) => {
    const entry = new AudienceEntry(position, topicName, audience, size, bodies, start, length);
    start += length;
    return entry;
  });
  if (start > data.length) throw new RangeError("packed bytes end too early");
  return entries;
}

export function packSummary({ sessions, count, bytes }: ChunkSummary): Uint8Array<ArrayBuffer> {
  const writer = new PackedWriter(sessions.length * 2 + 16).byte(summaryVersion).uint(count).uint(bytes);
  writeSessionSet(writer, sessions);
  return writer.finish();
}

export function unpackSummary(packed: Uint8Array): ChunkSummary {
  const reader = new PackedReader(packed);
  expectVersion("chunk summary", reader.byte(), summaryVersion);
  const count = reader.uint();
  const bytes = reader.uint();
  return { count, bytes, sessions: readSessionSet(reader) };
}

export const sessionsOf = (entries: readonly AudienceEntry[]): SessionSet =>
  union([...new Set(entries.map((entry) => entry.audience))].map((audience) => audience.sessions));

/** Every value once, numbered in the order of appearance. */
function indexed<T, Value>(items: readonly T[], valueOf: (item: T) => Value): Map<Value, number> {
  const numbers = new Map<Value, number>();
  for (const item of items) {
    const value = valueOf(item);
    if (!numbers.has(value)) numbers.set(value, numbers.size);
  }
  return numbers;
}

function readList<T>(reader: PackedReader, readOne: () => T): T[] {
  const list: T[] = [];
  for (let left = reader.uint(); left > 0; left -= 1) list.push(readOne());
  return list;
}

function at<T>(list: readonly T[], index: number): T {
  const value = list[index];
  if (value === undefined) throw new RangeError("a chunk names an entry that its dictionary does not have");
  return value;
}
