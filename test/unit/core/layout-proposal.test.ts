// Which proposals of a layout count.

import { describe, expect, test } from "vitest";
import {
  isSameLayout,
  withArrival,
  withProposal,
  type LayoutRecord,
  type ProposedLayout,
} from "../../../src/core/layout-proposal.ts";

const layout = (shards: number, subtreeDepth = 1): ProposedLayout => ({
  shards,
  subtreeDepth,
  depthByPrefix: [],
  hashSeed: 0,
});

const first = withProposal(undefined, { layout: layout(1), madeAtMs: 100 });
const changing = withProposal(first, { layout: layout(3), madeAtMs: 200 });

describe("a proposal of a layout", () => {
  test("is in force at once where the namespace has none", () => {
    expect(first).toEqual({ inForce: { ...layout(1), number: 1 }, heardMs: 100 });
  });

  test("of a newer version begins a change to the next number", () => {
    expect(changing).toEqual({
      inForce: { ...layout(1), number: 1 },
      heardMs: 200,
      to: { ...layout(3), number: 2 },
    });
  });

  test.each([
    ["an older version", 50],
    ["the version that was heard last", 100],
    ["a version whose time is not known", undefined],
  ])("of %s changes nothing", (_, madeAtMs) => {
    expect(withProposal(first, { layout: layout(3), ...(madeAtMs !== undefined && { madeAtMs }) })).toBe(first);
  });

  test("of two versions that ask in turn, as in a gradual deployment, leads to the newer one's layout and stays there", () => {
    let record: LayoutRecord = first;
    for (let turn = 0; turn < 10; turn += 1) {
      record = withProposal(record, { layout: layout(3), madeAtMs: 200 });
      record = withProposal(record, { layout: layout(1), madeAtMs: 100 });
      if (turn === 5) record = withArrival(record);
    }
    expect(record).toEqual({ inForce: { ...layout(3), number: 2 }, heardMs: 200 });
  });

  test("that comes during a change waits for its end, and the last one that waits is taken", () => {
    const waiting = [layout(8), layout(2)].reduce(
      (record, next, index) => withProposal(record, { layout: next, madeAtMs: 300 + index }),
      changing,
    );
    expect(waiting.to).toEqual({ ...layout(3), number: 2 });
    const after = withArrival(waiting);
    expect(after).toEqual({ inForce: { ...layout(3), number: 2 }, heardMs: 301, to: { ...layout(2), number: 3 } });
  });

  test("to go back, during a change, is carried out after it", () => {
    const back = withProposal(changing, { layout: layout(1), madeAtMs: 300 });
    expect(withArrival(back).to).toEqual({ ...layout(1), number: 3 });
  });

  test("that says what is in force, or where the change leads, begins none", () => {
    expect(withProposal(first, { layout: layout(1), madeAtMs: 300 }).to).toBeUndefined();
    const same = withProposal(changing, { layout: layout(3), madeAtMs: 300 });
    expect(withArrival(same)).toEqual({ inForce: { ...layout(3), number: 2 }, heardMs: 300 });
  });
});

describe("layouts", () => {
  test("are the same whatever the order of their depths by prefix, and different in any value", () => {
    const depths = [
      { prefix: "a", depth: 2 },
      { prefix: "b", depth: 3 },
    ];
    const one = { ...layout(3), depthByPrefix: depths };
    expect(isSameLayout(one, { ...layout(3), depthByPrefix: depths.toReversed() })).toBe(true);
    expect(isSameLayout(one, layout(3))).toBe(false);
    expect(isSameLayout(layout(3), layout(3, 2))).toBe(false);
  });
});
