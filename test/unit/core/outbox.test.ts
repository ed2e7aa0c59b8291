import { describe, expect, test } from "vitest";
import { Outbox } from "../../../src/core/outbox.ts";
import { MemoryOutbox } from "./link-simulation.ts";

const limits = { outboxBatches: 3, outboxBytes: 1000 };
const batch = (number: number, durable = true) => ({ number, durable, items: new Uint8Array([number, 1, 2]) });

function filled(...numbers: readonly number[]): { readonly port: MemoryOutbox; readonly outbox: Outbox } {
  const port = new MemoryOutbox();
  const outbox = new Outbox(port, limits);
  for (const number of numbers) outbox.append(batch(number));
  return { port, outbox };
}

describe("an outbox", () => {
  test("gives its batches in order, also after a restart", () => {
    const { port, outbox } = filled(3, 5);
    outbox.append(batch(4, false));
    for (const reader of [outbox, new Outbox(port, limits)]) {
      expect(reader.readAfter(0)).toEqual(batch(3));
      expect(reader.readAfter(3)).toEqual(batch(4, false));
      expect(reader.readAfter(4)).toEqual(batch(5));
      expect(reader.readAfter(5)).toBeUndefined();
      expect([reader.count, reader.last]).toEqual([3, 5]);
    }
  });

  test("keeps its highest number when everything is answered: a number is never used twice", () => {
    const { port, outbox } = filled(3, 4);
    outbox.release(batch(4));
    outbox.release(batch(3));
    const restarted = new Outbox(port, limits);
    expect([restarted.last, restarted.count, restarted.bytes]).toEqual([4, 0, 0]);
    expect(restarted.readAfter(0)).toBeUndefined();
    expect(port.rows.size).toBe(1);
  });

  test("keeps the highest number when a batch with an earlier reserved one comes in behind it", () => {
    const { port, outbox } = filled(9);
    outbox.release(batch(9));
    outbox.append(batch(7));
    expect(new Outbox(port, limits).last).toBe(9);
    outbox.release(batch(7));
    expect(new Outbox(port, limits).last).toBe(9);
  });

  test("writes three rows for a batch that comes alone and two for one of a burst", () => {
    const { port, outbox } = filled(1);
    outbox.release(batch(1));
    port.written = 0;
    for (const number of [2, 3]) outbox.append(batch(number));
    for (const number of [2, 3]) outbox.release(batch(number));
    expect(port.written).toBe(5);
  });

  test("has room up to its limit of batches and its limit of bytes", () => {
    const { outbox } = filled(1, 2);
    expect(outbox.hasRoom(1, 100)).toBe(true);
    expect(outbox.hasRoom(2, 100)).toBe(false);
    expect(outbox.hasRoom(1, 1000)).toBe(false);
    outbox.release(batch(2));
    outbox.release(batch(1));
    expect(outbox.hasRoom(3, 1000)).toBe(true);
  });

  test("that meets a row of another format says which", () => {
    const { port, outbox } = filled(1);
    port.rows.set(1, new Uint8Array([9, 0]));
    expect(() => outbox.readAfter(0)).toThrow("outbox row 1 has format 9");
  });
});
