// A set of session numbers: sorted, packed as differences. The log's directory keeps one for every chunk.

import type { SessionNumber } from "./brand.ts";
import type { PackedReader, PackedWriter } from "./packed.ts";

/** Sorted and without repeats. Four bytes a session, until numbers outgrow them. */
export type SessionSet = Uint32Array | Float64Array;

const largestUint32 = 0xffff_ffff;

export const emptySet: SessionSet = new Uint32Array(0);

/** From numbers that are sorted and without repeats. */
function fromSorted(sorted: readonly number[]): SessionSet {
  return (sorted.at(-1) ?? 0) > largestUint32 ? Float64Array.from(sorted) : Uint32Array.from(sorted);
}

export function sessionSetOf(sessions: Iterable<number>): SessionSet {
  return fromSorted([...new Set(sessions)].sort((a, b) => a - b));
}

/** All members of all sets. One set alone is given back as it is, so that chunks of one audience share it. */
export function union(sets: readonly SessionSet[]): SessionSet {
  const [first, ...others] = sets;
  if (first === undefined) return emptySet;
  if (others.every((other) => isSame(first, other))) return first;
  return sessionSetOf(sets.flatMap((set) => [...set]));
}

export function isSame(a: SessionSet, b: SessionSet): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index += 1) {
    if (a[index] !== b[index]) return false;
  }
  return true;
}

export function contains(set: SessionSet, session: SessionNumber): boolean {
  let low = 0;
  let high = set.length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const found = set[middle] as number;
    if (found === session) return true;
    if (found < session) low = middle + 1;
    else high = middle - 1;
  }
  return false;
}

export function writeSessionSet(writer: PackedWriter, set: SessionSet): void {
  writer.uint(set.length);
  let last = 0;
  for (const session of set) {
    writer.uint(session - last);
    last = session;
  }
}

export function readSessionSet(reader: PackedReader): SessionSet {
  const sorted: number[] = [];
  let last = 0;
  for (let left = reader.uint(); left > 0; left -= 1) {
    last += reader.uint();
    sorted.push(last);
  }
  return fromSorted(sorted);
}
