// Idempotency keys: who may publish under one, and what a repeat is told.

import { describe, expect, test } from "vitest";
import {
  IdempotencyKeys,
  keyLifeMs,
  longestRunMs,
  removedPerRound,
  type Claim,
  type IdempotencyRow,
  type IdempotencyStore,
} from "../../../src/core/idempotency.ts";
import { defaultLimits } from "../../../src/core/limits.ts";
import type { PublishOutcome } from "../../../src/core/publish-outcome.ts";

const accepted: readonly PublishOutcome[] = [{ kind: "accepted" }];
const nobody: readonly PublishOutcome[] = [{ kind: "no-matching-subscribers" }];

class MapStore extends Map<string, IdempotencyRow> implements IdempotencyStore {
  scans = 0;

  put(key: string, row: IdempotencyRow): void {
    this.set(key, row);
  }

  count(): number {
    return this.size;
  }

  expired(atMs: number, limit: number): string[] {
    this.scans += 1;
    return [...this.values()]
      .filter((row) => row.expiresAtMs <= atMs)
      .map((row) => row.key)
      .slice(0, limit);
  }

  firstExpiryMs(): number | undefined {
    this.scans += 1;
    return this.size === 0 ? undefined : Math.min(...[...this.values()].map((row) => row.expiresAtMs));
  }
}

const keysOver = (store: IdempotencyStore, maximumIdempotencyKeys = 10): IdempotencyKeys =>
  new IdempotencyKeys(store, { ...defaultLimits, maximumIdempotencyKeys });

const claim = (key: string, print = 1, answerId = "first"): Claim => ({
  key,
  fingerprint: Uint8Array.of(print),
  answerId,
});

/** Claims, answers and stores. */
function use(keys: IdempotencyKeys, key: string, nowMs: number): void {
  expect(keys.claim(claim(key), nowMs).kind).toBe("claimed");
  keys.record(key, accepted);
  keys.end(key);
  keys.flush();
}

describe("a key", () => {
  test("that was answered gives the first answer for 24 hours, also after a restart", () => {
    const store = new MapStore();
    use(keysOver(store), "k", 0);
    const answered = { kind: "answered", answerId: "first", outcomes: accepted };
    expect(keysOver(store).claim(claim("k", 1, "second"), keyLifeMs - 1)).toEqual(answered);
    expect(keysOver(store).claim(claim("k", 1, "second"), keyLifeMs)).toEqual({ kind: "claimed", answerId: "second" });
  });

  test("stands for one thing, while it runs and afterwards", () => {
    const keys = keysOver(new MapStore());
    keys.claim(claim("k", 1), 0);
    expect(keys.claim(claim("k", 2), 0)).toEqual({ kind: "mismatch" });
    keys.record("k", accepted);
    keys.end("k");
    expect(keys.claim(claim("k", 2), 0)).toEqual({ kind: "mismatch" });
  });

  test("is running until its run ends, even when part of the answer is known", () => {
    const keys = keysOver(new MapStore());
    keys.claim(claim("k"), 0);
    expect(keys.claim(claim("k"), 1)).toEqual({ kind: "running" });
    keys.record("k", accepted);
    expect(keys.claim(claim("k"), 2)).toEqual({ kind: "running" });
    keys.end("k");
    expect(keys.claim(claim("k"), 3).kind).toBe("answered");
  });

  test("whose runner died is taken up again under the first name: at once after a restart, else after a minute", () => {
    const store = new MapStore();
    const keys = keysOver(store);
    keys.claim(claim("k"), 0);
    keys.flush();
    const takenUp = { kind: "claimed", answerId: "first" };
    expect(keys.claim(claim("k", 1, "second"), longestRunMs - 1)).toEqual({ kind: "running" });
    expect(keys.claim(claim("k", 1, "second"), longestRunMs)).toEqual(takenUp);
    expect(keysOver(store).claim(claim("k", 1, "third"), 1)).toEqual(takenUp);
  });

  test("of two runners has the answer of the faster one", () => {
    const keys = keysOver(new MapStore());
    keys.claim(claim("k"), 0);
    keys.claim(claim("k"), longestRunMs);
    keys.answer(claim("k"), accepted, longestRunMs);
    keys.answer(claim("k"), nobody, longestRunMs);
    expect(keys.claim(claim("k"), longestRunMs)).toMatchObject({ kind: "answered", outcomes: accepted });
  });

  test("that was released is free for anything", () => {
    const store = new MapStore();
    const keys = keysOver(store, 1);
    keys.claim(claim("k", 1), 0);
    keys.release("k");
    keys.flush();
    expect(store.size).toBe(0);
    expect(keys.claim(claim("other", 2), 0).kind).toBe("claimed");
  });
});

describe("maximumIdempotencyKeys", () => {
  test("refuses a new key beyond it, and still answers the known ones", () => {
    const keys = keysOver(new MapStore(), 2);
    use(keys, "a", 0);
    use(keys, "b", 1);
    expect(keys.claim(claim("c"), 2)).toMatchObject({
      kind: "refused",
      violation: { reasonCode: 0x97, limit: "maximumIdempotencyKeys" },
    });
    expect(keys.claim(claim("a"), 2).kind).toBe("answered");
  });

  test("gives room again as the oldest expire, counted across restarts, and does not scan for each refusal", () => {
    const store = new MapStore();
    use(keysOver(store, 2), "a", 0);
    const keys = keysOver(store, 2);
    use(keys, "b", 1000);
    keys.claim(claim("c"), 2000);
    const { scans } = store;
    for (let at = 0; at < 50; at += 1) expect(keys.claim(claim("c"), 3000 + at).kind).toBe("refused");
    expect(store.scans).toBe(scans);
    use(keys, "c", keyLifeMs);
    expect([...store.keys()]).toEqual(["b", "c"]);
    expect(keys.claim(claim("d"), keyLifeMs).kind).toBe("refused");
  });
});

describe("the removal of expired keys", () => {
  test("says when it is due, takes a bounded number at a time, and leaves what was claimed anew", () => {
    const store = new MapStore();
    const keys = keysOver(store, 10_000);
    expect(keys.removeExpired(0)).toBeUndefined();
    for (let n = 0; n <= removedPerRound; n += 1) use(keys, String(n), 0);
    expect(keys.removeExpired(1)).toBe(keyLifeMs);
    use(keys, "0", keyLifeMs);
    expect(keys.removeExpired(keyLifeMs)).toBe(keyLifeMs);
    keys.flush();
    expect(store.size).toBe(1);
    keys.removeExpired(keyLifeMs);
    expect([...store.keys()]).toEqual(["0"]);
    expect(keys.removeExpired(keyLifeMs + 1)).toBe(2 * keyLifeMs);
  });

  test("is due for a key that was never flushed", () => {
    const keys = keysOver(new MapStore());
    keys.claim(claim("k"), 5);
    expect(keys.removeExpired(6)).toBeLessThanOrEqual(6 + keyLifeMs);
  });
});
