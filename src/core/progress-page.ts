// The packed form of a progress page: what about 128 neighbouring sessions have acknowledged, in one row (design §4.6).

import type { PacketId, Position, SessionNumber } from "./brand.ts";
import { expectVersion } from "./message-codec.ts";
import { PackedReader, PackedWriter } from "./packed.ts";
import type { PositionRange } from "./position-ranges.ts";
import { wholeLog } from "./sent-reservation.ts";

export interface Progress {
  /** Own entries up to here need nothing any more. */
  readonly acknowledgedTo: Position;
  /** In these ranges, sorted and all > acknowledgedTo, everything own was acknowledged or dropped out of order. */
  readonly acknowledged: readonly PositionRange[];
  /** Own entries up to here were sent at least once; later ones never, unless they are reserved. */
  readonly sentTo: Position;
  /** Of a client that is connected: after a crash own entries up to here count as sent (`sent-reservation.ts`). */
  readonly reservedTo?: Position;
  /** Outgoing QoS 2 whose PUBREC was seen, sorted: PUBREL is owed, the PUBLISH must not be sent again [MQTT-4.3.3-6]. */
  readonly released: readonly Position[];
  /** Incoming QoS 2 ids between PUBLISH and PUBREL. */
  readonly inbound: readonly PacketId[];
  /** Positions whose packet id is not the one that follows from the position. */
  readonly explicitIds: readonly (readonly [PacketId, Position])[];
  /** Own entries that a shared group handed over, with the group's number: QoS 1 goes to another member if the session ends. */
  readonly handed?: readonly (readonly [Position, SessionNumber])[];
  /** The client is connected, or went without a saved farewell. */
  readonly open: boolean;
}

export interface ProgressPage {
  /** A session without an entry has acknowledged everything up to here. */
  readonly base: Position;
  readonly entries: ReadonlyMap<SessionNumber, Progress>;
}

/** Sessions whose progress shares a row. Part of the stored format. */
export const sessionsPerPage = 128;

export const pageOf = (session: SessionNumber): number => Math.floor(session / sessionsPerPage);

const pageVersion = 1;

const openFlag = 1;
const acknowledgedFlag = 1 << 1;
const releasedFlag = 1 << 2;
const inboundFlag = 1 << 3;
const explicitIdsFlag = 1 << 4;
const handedFlag = 1 << 5;
/** The first release leaves it alone. */
const wholeLogFlag = 1 << 6;

/** `number`: the page's. */
export function packPage(number: number, page: ProgressPage): Uint8Array<ArrayBuffer> {
  const writer = new PackedWriter(page.entries.size * 16 + 16).byte(pageVersion);
  writer.uint(page.base).uint(page.entries.size);
  for (const [session, progress] of page.entries) {
    writer.uint(session - number * sessionsPerPage);
    writeProgress(writer, progress);
  }
  return writer.finish();
}

/** Reads `packPage`; throws on an unknown version. */
export function unpackPage(
  number: number,
  packed: Uint8Array,
): { base: Position; entries: Map<SessionNumber, Progress> } {
  const reader = new PackedReader(packed);
  expectVersion("progress page", reader.byte(), pageVersion);
  const base = reader.uint() as Position;
  const entries = new Map<SessionNumber, Progress>();
  for (let left = reader.uint(); left > 0; left -= 1) {
    const session = (number * sessionsPerPage + reader.uint()) as SessionNumber;
    entries.set(session, readProgress(reader));
  }
  return { base, entries };
}

function writeProgress(writer: PackedWriter, progress: Progress): void {
  const { acknowledgedTo, acknowledged, sentTo, released, inbound, explicitIds, open } = progress;
  const handed = progress.handed ?? [];
  const isWholeLog = progress.reservedTo === wholeLog;
  writer.byte(
    (open ? openFlag : 0) |
      (acknowledged.length > 0 ? acknowledgedFlag : 0) |
      (released.length > 0 ? releasedFlag : 0) |
      (inbound.length > 0 ? inboundFlag : 0) |
      (explicitIds.length > 0 ? explicitIdsFlag : 0) |
      (handed.length > 0 ? handedFlag : 0) |
      (isWholeLog ? wholeLogFlag : 0),
  );
  const bound = isWholeLog ? sentTo : Math.max(sentTo, progress.reservedTo ?? 0);
  writer.uint(acknowledgedTo).uint(Math.max(0, bound - acknowledgedTo));
  if (acknowledged.length > 0) writeRanges(writer, acknowledged);
  if (released.length > 0) writeSorted(writer, released);
  if (inbound.length > 0) writeNumbers(writer, inbound);
  if (explicitIds.length > 0) writeNumbers(writer, explicitIds.flat());
  if (handed.length > 0) writeNumbers(writer, handed.flat());
}

function readProgress(reader: PackedReader): Progress {
  const flags = reader.byte();
  const acknowledgedTo = reader.uint() as Position;
  const sentTo = (acknowledgedTo + reader.uint()) as Position;
  return {
    acknowledgedTo,
    sentTo,
    acknowledged: flags & acknowledgedFlag ? readRanges(reader) : [],
    released: flags & releasedFlag ? readSorted(reader) : [],
    inbound: flags & inboundFlag ? (readNumbers(reader) as PacketId[]) : [],
    explicitIds: flags & explicitIdsFlag ? pairs<PacketId, Position>(readNumbers(reader)) : [],
    ...(flags & handedFlag && { handed: pairs<Position, SessionNumber>(readNumbers(reader)) }),
    ...(flags & wholeLogFlag && { reservedTo: wholeLog }),
    open: (flags & openFlag) !== 0,
  };
}

function writeNumbers(writer: PackedWriter, numbers: readonly number[]): void {
  writer.uint(numbers.length);
  for (const number of numbers) writer.uint(number);
}

function readNumbers(reader: PackedReader): number[] {
  const numbers: number[] = [];
  for (let left = reader.uint(); left > 0; left -= 1) numbers.push(reader.uint());
  return numbers;
}

/** As differences: positions are large and near one another. */
function writeSorted(writer: PackedWriter, sorted: readonly Position[]): void {
  writer.uint(sorted.length);
  let last = 0;
  for (const position of sorted) {
    writer.uint(position - last);
    last = position;
  }
}

function readSorted(reader: PackedReader): Position[] {
  let last = 0;
  return readNumbers(reader).map((step) => (last += step) as Position);
}

/** As differences too: to the range before, and to its own end. */
function writeRanges(writer: PackedWriter, ranges: readonly PositionRange[]): void {
  writer.uint(ranges.length);
  let last = 0;
  for (const [from, to] of ranges) {
    writer.uint(from - last).uint(to - from);
    last = to;
  }
}

function readRanges(reader: PackedReader): PositionRange[] {
  const ranges: PositionRange[] = [];
  let last = 0;
  for (let left = reader.uint(); left > 0; left -= 1) {
    const from = (last + reader.uint()) as Position;
    last = from + reader.uint();
    ranges.push([from, last as Position]);
  }
  return ranges;
}

function pairs<First extends number, Second extends number>(flat: readonly number[]): [First, Second][] {
  const result: [First, Second][] = [];
  for (let index = 0; index + 1 < flat.length; index += 2) {
    result.push([flat[index] as First, flat[index + 1] as Second]);
  }
  return result;
}
