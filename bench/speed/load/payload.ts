// What a measured message carries: which run and publisher it is of, its number, and when it was sent.

import { putU32, u32 } from "./bytes.ts";

export const payloadBytes = 100;
const [runAt, publisherAt, sequenceAt, sentAt] = [0, 4, 8, 12];
const filler = 0x78;
const usPerMs = 1_000;
const runNumbers = 2 ** 32;

/** Tells a message of this run from one that an earlier run left behind. */
export function newRun(): number {
  return Math.floor(Math.random() * runNumbers);
}

export function payloadOf(run: number, publisher: number): Uint8Array {
  const payload = new Uint8Array(payloadBytes).fill(filler);
  putU32(payload, runAt, run);
  putU32(payload, publisherAt, publisher);
  return payload;
}

export function stamp(bytes: Uint8Array, payloadStart: number, sequence: number, sentUs: number): void {
  putU32(bytes, payloadStart + sequenceAt, sequence);
  putU32(bytes, payloadStart + sentAt, sentUs);
}

export function runOf(bytes: Uint8Array, payloadStart: number): number {
  return u32(bytes, payloadStart + runAt);
}

export function publisherOf(bytes: Uint8Array, payloadStart: number): number {
  return u32(bytes, payloadStart + publisherAt);
}

export function sequenceOf(bytes: Uint8Array, payloadStart: number): number {
  return u32(bytes, payloadStart + sequenceAt);
}

export function sentUsOf(bytes: Uint8Array, payloadStart: number): number {
  return u32(bytes, payloadStart + sentAt);
}

/** A clock that fits 32 bits; differences are right for 71 minutes. */
export function nowUs(): number {
  return Math.floor(performance.now() * usPerMs) >>> 0;
}
