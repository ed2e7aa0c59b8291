// What waits on sockets that share buffers: each sends what was appended to it, in order, in two parts at most.

import * as fc from "fast-check";
import { expect, test } from "vitest";
import { Outgoing } from "../../../src/objects/outgoing.ts";

const sockets = 3;

interface Expected {
  readonly atOnce: number[];
  readonly afterCommit: number[];
}

const step = fc.oneof(
  {
    weight: 20,
    arbitrary: fc.record({
      socket: fc.nat(sockets - 1),
      size: fc.integer({ min: 1, max: 3_000 }),
      isGated: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ socket: fc.nat(sockets - 1), size: fc.constant(200_000), isGated: fc.boolean() }),
  },
  { weight: 5, arbitrary: fc.constant("flush" as const) },
);

test("whatever waits on other sockets, each sends its own bytes, those behind a gated packet after the commit", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const waiting = Array.from({ length: sockets }, () => new Outgoing());
      const expected = waiting.map((): Expected => ({ atOnce: [], afterCommit: [] }));
      let fill = 0;
      const flush = (): void => {
        for (const [index, outgoing] of waiting.entries()) {
          const parts = expected[index] as Expected;
          const isGated = outgoing.isGated;
          expect([...(outgoing.takeAtOnce() ?? [])]).toEqual(parts.atOnce.splice(0));
          expect(isGated ? [...(outgoing.takeAfterCommit() ?? [])] : []).toEqual(parts.afterCommit.splice(0));
          expect(outgoing.length).toBe(0);
        }
      };
      for (const one of steps) {
        if (one === "flush") {
          flush();
          continue;
        }
        fill = (fill + 1) % 251;
        const [outgoing, parts] = [waiting[one.socket] as Outgoing, expected[one.socket] as Expected];
        const part = one.isGated || outgoing.isGated ? parts.afterCommit : parts.atOnce;
        const leaves = one.isGated ? "after-commit" : "at-once";
        if (one.size === 4) {
          outgoing.appendShort(fill, 0x0102, leaves);
          part.push(fill, 2, 1, 2);
        } else {
          outgoing.append(new Uint8Array(one.size).fill(fill), leaves);
          for (let i = 0; i < one.size; i += 1) part.push(fill);
        }
      }
      flush();
    }),
    { numRuns: 40 },
  );
});

test("an acknowledgement of four bytes is written as it is encoded", () => {
  const outgoing = new Outgoing();
  outgoing.appendShort(0x40, 0xfffe, "at-once");
  outgoing.appendShort(0x62, 1, "after-commit");
  expect(outgoing.takeAtOnce()).toEqual(Uint8Array.of(0x40, 2, 0xff, 0xfe));
  expect(outgoing.takeAfterCommit()).toEqual(Uint8Array.of(0x62, 2, 0, 1));
});
