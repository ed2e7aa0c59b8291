// Topic names as text. Publishers repeat them, so the text of bytes that were seen before is found and not made: 30 ns
// instead of 400 (workerd, November 2026), and the same string each time, whose hash the tables of topics need not
// compute again.

import { parseUtf8 } from "./utf8.ts";

/** A power of two. A name that falls on another's place takes it: a bound on memory, not on names. */
const places = 4_096;
/** Longer names are made each time: 4,096 of these take 1.5 MiB at most, with their texts. */
const longestBytes = 128;

interface Known {
  readonly bytes: Uint8Array;
  readonly text: string;
}

const known: (Known | undefined)[] = Array.from({ length: places });

/** FNV-1a. */
const [hashBasis, hashPrime] = [0x811c9dc5, 0x01000193];

function hashOf(bytes: Uint8Array, from: number, to: number): number {
  let hash = hashBasis;
  for (let i = from; i < to; i += 1) hash = Math.imul(hash ^ (bytes[i] ?? 0), hashPrime);
  return (hash ^ (hash >>> 15)) & (places - 1);
}

function isSame(other: Uint8Array, bytes: Uint8Array, from: number): boolean {
  for (let i = 0; i < other.length; i += 1) if (other[i] !== bytes[from + i]) return false;
  return true;
}

/** The text of `bytes[from, to)`; `undefined` where `parseUtf8` gives none. */
export function topicText(bytes: Uint8Array, from: number, to: number): string | undefined {
  const length = to - from;
  if (length > longestBytes) return parseUtf8(bytes.subarray(from, to));
  const place = hashOf(bytes, from, to);
  const found = known[place];
  if (found?.bytes.length === length && isSame(found.bytes, bytes, from)) return found.text;
  const text = parseUtf8(bytes.subarray(from, to));
  if (text !== undefined) known[place] = { bytes: bytes.slice(from, to), text };
  return text;
}
