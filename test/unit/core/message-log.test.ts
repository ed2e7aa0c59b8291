import { describe, expect, test } from "vitest";
import type { Position, SessionNumber, TopicName } from "../../../src/core/brand.ts";
import { MessageLog, type LogEntry, type Recipient } from "../../../src/core/message-log.ts";
import { messageSize } from "../../../src/core/message-size.ts";
import type { Message } from "../../../src/core/packet.ts";
import { MemoryLogStore } from "../../support/memory-log-store.ts";

const MiB = 1024 * 1024;
const zero = 0 as Position;
const at = (position: number): Position => position as Position;
const session = (number: number): SessionNumber => number as SessionNumber;
const alice = session(1);
const bob = session(2);

const message = (text: string, topicName = "a/b"): Message => ({
  topicName: topicName as TopicName,
  payload: new TextEncoder().encode(text),
  qos: 1,
  retain: false,
});

const to = (...sessions: number[]): Recipient[] =>
  sessions.map((number) => ({ session: session(number), qos: 1, retain: false }));

const open = (store: MemoryLogStore, maximumCachedBytes = MiB): MessageLog =>
  new MessageLog(store, { maximumLogBytes: 64 * MiB, maximumCachedBytes });

/** After a crash or a hibernation: nothing but the rows. `acknowledged`: what was saved; the rest are unknown sessions. */
function reopen(store: MemoryLogStore, acknowledged: Record<number, number>): MessageLog {
  const log = open(store);
  log.recover((number) => acknowledged[number] as Position | undefined);
  return log;
}

const text = (entry: LogEntry | undefined): string | undefined =>
  entry && new TextDecoder().decode(entry.message.payload);

function readAll(log: MessageLog, of: SessionNumber, after = zero): LogEntry[] {
  const entries: LogEntry[] = [];
  for (let entry = log.next(of, after); entry; entry = log.next(of, entry.position)) entries.push(entry);
  return entries;
}

const texts = (log: MessageLog, of: SessionNumber, after = zero): (string | undefined)[] =>
  readAll(log, of, after).map(text);

function tidyUp(log: MessageLog): void {
  for (let more = true; more; log.flush()) more = log.compact();
}

describe("reading", () => {
  test("a message is there for its recipients alone, before the flush and after it", () => {
    const log = open(new MemoryLogStore());
    log.append(message("one"), to(1, 2));
    log.append(message("two"), to(2));
    for (let round = 0; round < 2; round += 1) {
      expect(texts(log, alice)).toEqual(["one"]);
      expect(texts(log, bob)).toEqual(["one", "two"]);
      expect(log.next(session(3), zero)).toBeUndefined();
      log.flush();
    }
  });

  test("each recipient has its own QoS, RETAIN flag and subscription identifiers, also after a restart", () => {
    const store = new MemoryLogStore();
    const log = open(store);
    log.append(message("x"), [
      { session: bob, qos: 2, retain: true, subscriptionIdentifiers: [7, 268_435_455] },
      { session: alice, qos: 1, retain: false },
    ]);
    log.flush();
    for (const each of [log, reopen(store, { 1: 0, 2: 0 })]) {
      expect(each.next(alice, zero)).toMatchObject({ position: 1, qos: 1, retain: false });
      expect(each.next(alice, zero)?.subscriptionIdentifiers).toBeUndefined();
      expect(each.next(bob, zero)).toMatchObject({ qos: 2, retain: true, subscriptionIdentifiers: [7, 268_435_455] });
    }
  });

  test("a drain finds every message over many chunks and gives them in order", () => {
    const store = new MemoryLogStore();
    const log = open(store, 1);
    for (let n = 1; n <= 1000; n += 1) {
      log.append(message(`${n}`), to(n % 10));
      if (n % 7 === 0) log.flush();
    }
    const expected = Array.from({ length: 100 }, (_, index) => `${index * 10 + 3}`);
    expect(texts(log, session(3))).toEqual(expected);
    log.flush();
    expect(texts(reopen(store, {}), session(3))).toEqual(expected);
  });

  test("a search over many chunks of others gives the same when it is repeated, and goes on when more comes", () => {
    const log = open(new MemoryLogStore());
    const appendOne = (number: number): void => {
      log.append(message("x".repeat(9_000)), to(number));
      log.flush();
    };
    for (let n = 0; n < 20; n += 1) appendOne(2);
    expect(log.next(alice, zero)).toBeUndefined();
    appendOne(1);
    for (const after of [0, 0, 5, 20]) expect(log.next(alice, at(after))?.position).toBe(21);
    for (let n = 0; n < 20; n += 1) appendOne(2);
    for (const after of [0, 0, 20]) expect(log.next(alice, at(after))?.position).toBe(21);
    expect(log.next(alice, at(21))).toBeUndefined();
    appendOne(1);
    for (const after of [21, 21, 30, 41]) expect(log.next(alice, at(after))?.position).toBe(42);
    expect(log.next(alice, zero)?.position).toBe(21);
  });

  test("sessions that read on in turn find their own, while chunks are merged and go", () => {
    const store = new MemoryLogStore();
    const log = reopen(store, { 1: 0, 2: 0 });
    const count = 200;
    for (let n = 1; n <= count; n += 1) {
      log.append(message(`${n}${"x".repeat(500)}`), n % 3 === 0 ? to(1, 2) : to(1 + (n % 3 === 1 ? 0 : 1)));
      if (n % 5 === 0) log.flush();
    }
    const read = new Map([alice, bob].map((each) => [each, zero]));
    const found = new Map<SessionNumber, Position[]>([alice, bob].map((each) => [each, []]));
    for (let turn = 0; turn < count; turn += 1) {
      for (const each of [alice, bob]) {
        for (let step = 0; step < (turn % 4) + 1; step += 1) {
          const after = read.get(each) ?? zero;
          const next = log.next(each, after);
          if (next === undefined) continue;
          found.get(each)?.push(next.position);
          read.set(each, next.position);
          if (turn % 2 === 0) log.release(each, after, next.position);
        }
      }
      log.compact();
      log.flush();
    }
    const own = (others: number): number[] =>
      Array.from({ length: count }, (_, index) => index + 1).filter((n) => n % 3 !== others);
    expect([found.get(alice), found.get(bob)]).toEqual([own(2), own(1)]);
  });

  test("a pending message among many to others is found", () => {
    const log = open(new MemoryLogStore());
    for (let n = 1; n <= 500; n += 1) log.append(message(`${n}`), to(n % 100));
    expect(texts(log, session(42))).toEqual(["42", "142", "242", "342", "442"]);
    log.append(message("late"), to(42));
    expect(text(log.next(session(42), at(442)))).toBe("late");
  });

  test("counts own entries and their bytes after a position", () => {
    const log = open(new MemoryLogStore());
    log.append(message("one"), to(1));
    log.append(message("other"), to(2));
    log.flush();
    log.append(message("two"), to(1));
    const size = messageSize(message("one"));
    expect(log.countAfter(alice, zero)).toEqual({ count: 2, bytes: 2 * size });
    expect(log.countAfter(alice, at(1))).toEqual({ count: 1, bytes: size });
  });

  test("chunks at hand are not read again", () => {
    const store = new MemoryLogStore();
    const log = open(store);
    for (let n = 0; n < 300; n += 1) log.append(message(`${n}`), to(1, 2));
    log.flush();
    readAll(log, alice);
    expect(store.dataReads).toBe(0);
    const again = reopen(store, { 1: 0, 2: 0 });
    readAll(again, alice);
    readAll(again, bob);
    expect(store.dataReads).toBe(store.rows.size);
  });

  test("opening the log and asking nothing reads nothing", () => {
    const store = new MemoryLogStore();
    store.directory = () => {
      throw new Error("the directory was read");
    };
    const log = reopen(store, {});
    expect(log.isDirty).toBe(false);
    log.flush();
  });
});

describe("positions", () => {
  test("rise by one and go on after a restart, also when everything was released", () => {
    const store = new MemoryLogStore();
    const log = open(store);
    expect(log.end).toBe(0);
    expect(log.append(message("one"), to(1))).toBe(1);
    expect(log.append(message("two"), to(1))).toBe(2);
    log.flush();
    log.release(alice, zero, at(2));
    log.flush();
    tidyUp(log);
    const again = reopen(store, { 1: 2 });
    expect(again.end).toBe(2);
    tidyUp(again);
    expect(reopen(store, {}).append(message("three"), to(1))).toBe(3);
  });

  test("are not given again when all messages were released before their first flush", () => {
    const store = new MemoryLogStore();
    const log = open(store);
    log.append(message("one"), to(1));
    log.release(alice, zero, at(1));
    log.flush();
    expect(reopen(store, { 1: 1 }).end).toBe(1);
  });

  test("of messages that no flush wrote are gone after a crash, with the messages", () => {
    const store = new MemoryLogStore();
    const log = open(store);
    log.append(message("kept"), to(1));
    log.flush();
    log.append(message("lost"), to(1));
    expect(texts(reopen(store, { 1: 0 }), alice)).toEqual(["kept"]);
  });
});

describe("rows", () => {
  test("messages between two flushes share a row, and an audience is stored once", () => {
    const store = new MemoryLogStore();
    const log = open(store);
    const audience = to(...Array.from({ length: 1000 }, (_, index) => index + 1));
    for (let n = 0; n < 50; n += 1) log.append(message(`${n}`), audience);
    log.flush();
    expect(store.rowsWritten).toBe(1);
    expect(store.rows.get(at(1))?.data.length).toBeLessThan(4000);
  });

  test("bursts that are acknowledged before the next one cost one row each", () => {
    const store = new MemoryLogStore();
    const log = reopen(store, { 1: 0, 2: 0 });
    for (let burst = 0; burst < 20; burst += 1) {
      const before = log.end;
      for (let n = 0; n < 50; n += 1) log.append(message(`${n}`), to(1, 2));
      log.flush();
      for (const each of [alice, bob]) log.release(each, before, log.end);
      expect(log.isDirty).toBe(false);
    }
    expect(store.rowsWritten).toBe(20);
    expect(store.rows.size).toBe(1);
  });

  test("a trickle to a session that is away costs about a row a message, deletes included", () => {
    const store = new MemoryLogStore();
    const log = reopen(store, { 1: 0 });
    for (let n = 0; n < 640; n += 1) {
      log.append(message(`${n}`), to(1));
      log.flush();
      if (log.compact()) log.flush();
    }
    expect(readAll(log, alice)).toHaveLength(640);
    log.release(alice, zero, log.end);
    log.flush();
    expect(store.rows.size).toBe(1);
    expect(store.rowsWritten).toBeLessThan(640 * 1.05);
  });

  test("stay under 2 MB, whatever comes in one flush", () => {
    const store = new MemoryLogStore();
    const log = open(store);
    const large = { ...message(""), payload: new Uint8Array(1536 * 1024) };
    for (let n = 0; n < 600; n += 1) log.append(message("x".repeat(4000)), to(1));
    for (let n = 0; n < 3; n += 1) log.append(large, to(1, 2));
    log.append(message("small"), to(1));
    log.flush();
    for (const row of store.rows.values()) expect(row.data.length + row.sessions.length).toBeLessThan(2_000_000);
    expect(readAll(reopen(store, { 1: 0 }), alice)).toHaveLength(604);
  });

  test("mayAppend refuses what would pass the limit of the log or the size of a row", () => {
    const log = new MessageLog(new MemoryLogStore(), { maximumLogBytes: 10_000 });
    expect(log.mayAppend(9_000)).toBe(true);
    log.append(message("x".repeat(9_000)), to(1));
    expect(log.mayAppend(1_000)).toBe(false);
    log.flush();
    expect(log.mayAppend(1_000)).toBe(false);
    log.release(alice, zero, at(1));
    expect(log.mayAppend(9_000)).toBe(true);

    const roomy = open(new MemoryLogStore());
    const everyone = to(...Array.from({ length: 100_000 }, (_, index) => index * 100));
    expect(roomy.mayAppend(1_900_000)).toBe(true);
    expect(roomy.fitsRow(MiB, everyone)).toBe(true);
    expect(roomy.fitsRow(1_900_000, everyone)).toBe(false);
  });
});

describe("release", () => {
  /** Chunks of their own: too large to be extended. */
  const filler = "x".repeat(9_000);

  test("a chunk goes when its last session has released it, and not before", () => {
    const store = new MemoryLogStore();
    const log = reopen(store, { 1: 0, 2: 0 });
    for (let n = 0; n < 3; n += 1) {
      log.append(message(filler), to(1, 2));
      log.flush();
    }
    log.release(alice, zero, at(3));
    expect(log.isDirty).toBe(false);
    log.release(bob, zero, at(1));
    expect(log.isDirty).toBe(true);
    log.flush();
    expect([...store.rows.keys()]).toEqual([2, 3]);
    log.release(bob, at(1), at(3));
    log.flush();
    expect([...store.rows.keys()]).toEqual([3]);
    expect(log.bytes).toBe(0);
  });

  test.each([
    { order: "in their order", positions: [1, 3, 5, 7] },
    { order: "backwards", positions: [7, 5, 3, 1] },
    { order: "from the middle", positions: [5, 3, 7, 1] },
  ])("of messages acknowledged one by one, $order, the chunk goes with the last", ({ positions }) => {
    const log = reopen(new MemoryLogStore(), { 1: 0, 2: 0 });
    for (let n = 1; n <= 8; n += 1) log.append(message(`${n}${filler}`), to(n % 2 === 1 ? 1 : 2));
    log.flush();
    log.append(message(filler), to(2));
    log.flush();
    log.release(bob, zero, at(8));
    for (const position of positions) {
      expect(log.isDirty).toBe(false);
      log.releaseRange(alice, at(position), at(position));
    }
    expect(log.isDirty).toBe(true);
  });

  test("a session that needs a part of the chunk keeps it whole", () => {
    const store = new MemoryLogStore();
    const log = reopen(store, { 1: 0, 2: 0 });
    log.append(message(filler), to(1));
    log.append(message("two"), to(2));
    log.append(message("three"), to(1));
    log.flush();
    log.append(message(filler), to(2));
    log.flush();
    log.release(alice, zero, at(2));
    log.release(bob, zero, at(2));
    log.flush();
    expect(texts(log, alice, at(2))).toEqual(["three"]);
    log.release(alice, at(2), at(3));
    log.flush();
    expect([...store.rows.keys()]).toEqual([4]);
  });

  test("the same range twice lets nothing of others go", () => {
    const store = new MemoryLogStore();
    const log = reopen(store, { 1: 0, 2: 0 });
    log.append(message(filler), to(1, 2));
    log.flush();
    log.append(message("tail"), to(1));
    log.flush();
    log.release(alice, zero, at(1));
    log.release(alice, zero, at(1));
    log.forget(alice, at(1));
    log.flush();
    expect(texts(log, bob)).toEqual([filler]);
  });

  test("a range behind a gap with own entries is ignored until the gap closes", () => {
    const store = new MemoryLogStore();
    const log = reopen(store, { 1: 0 });
    for (let n = 1; n <= 3; n += 1) {
      log.append(message(`${n}${filler}`), to(1));
      log.flush();
    }
    log.release(alice, at(1), at(2));
    log.flush();
    expect(readAll(log, alice)).toHaveLength(3);
    log.release(alice, zero, at(2));
    log.flush();
    expect(readAll(log, alice).map((entry) => entry.position)).toEqual([3]);
  });

  test("what is released out of order goes, and stays away after a restart, while what is before it is needed", () => {
    const store = new MemoryLogStore();
    const log = reopen(store, { 1: 0 });
    for (let n = 1; n <= 4; n += 1) {
      log.append(message(`${n}${filler}`), to(1));
      log.flush();
    }
    log.releaseRange(alice, at(2), at(3));
    log.flush();
    expect(readAll(log, alice).map((entry) => entry.position)).toEqual([1, 4]);
    log.release(alice, zero, at(1));
    log.flush();
    expect([...store.rows.keys()]).toEqual([4]);
  });

  test("a restart asks for what was released out of order: a crash may have come before it went", () => {
    const store = new MemoryLogStore();
    const first = open(store);
    for (let n = 1; n <= 3; n += 1) {
      first.append(message(`${n}${filler}`), to(1, 2));
      first.flush();
    }
    const log = open(store);
    const ranges = { 1: [[at(2), at(2)]], 2: [[at(1), at(2)]] } as Record<number, [Position, Position][]>;
    log.recover(
      () => zero,
      (number) => ranges[number] ?? [],
    );
    tidyUp(log);
    expect([...store.rows.keys()]).toEqual([1, 3]);
  });

  test("a session that ended needs nothing; others still do", () => {
    const store = new MemoryLogStore();
    const log = reopen(store, { 1: 0, 2: 0 });
    for (const recipients of [to(1, 2), to(1), to(2)]) {
      log.append(message(filler), recipients);
      log.flush();
    }
    log.forget(alice, zero);
    log.flush();
    expect([...store.rows.keys()]).toEqual([1, 3]);
    expect(readAll(log, bob)).toHaveLength(2);
  });

  test("after a restart chunks go that only ended or finished sessions were in", () => {
    const store = new MemoryLogStore();
    const log = open(store);
    for (const recipients of [to(1, 2), to(3), to(1), to(2)]) {
      log.append(message(filler), recipients);
      log.flush();
    }
    const again = reopen(store, { 1: 3, 2: 1 }); // 3 ended, and the crash came before the delete
    tidyUp(again);
    expect([...store.rows.keys()]).toEqual([4]);
    expect(readAll(again, bob, at(1))).toHaveLength(1);
  });

  test("what was released before anybody could be asked is looked at again", () => {
    const store = new MemoryLogStore();
    const first = open(store);
    for (const recipients of [to(1, 2), to(1)]) {
      first.append(message(filler), recipients);
      first.flush();
    }
    const log = open(store);
    log.release(alice, zero, at(1));
    log.flush();
    expect(store.rows.size).toBe(2);
    log.recover((number) => at({ 1: 0, 2: 1 }[number as number] as number));
    tidyUp(log);
    expect([...store.rows.keys()]).toEqual([2]);
  });
});

describe("compaction", () => {
  test("rewrites a chunk of which one message in flight is left, and keeps what others need of it", () => {
    const store = new MemoryLogStore();
    const log = reopen(store, { 1: 0, 2: 0, 3: 0 });
    for (let n = 1; n <= 100; n += 1) log.append(message(`${n} ${"x".repeat(100)}`), to(1, 2));
    log.flush();
    for (let n = 0; n < 20; n += 1) {
      log.append(message("y".repeat(300_000)), to(3));
      log.flush();
    }
    log.releaseRange(alice, at(2), at(100));
    log.release(bob, zero, at(97));
    tidyUp(log);
    expect(texts(log, alice).slice(0, 1)).toEqual([`1 ${"x".repeat(100)}`]);
    expect(texts(log, bob, at(97))).toHaveLength(3);
    expect(store.rows.get(at(1))?.data?.length).toBeLessThan(2_000);
  });

  test("merges small neighbours in place: fewer rows, the same messages at the same positions", () => {
    const store = new MemoryLogStore();
    const log = reopen(store, { 1: 0, 2: 0, 3: 0 });
    const filler = "x".repeat(9_000);
    for (let n = 0; n < 200; n += 1) {
      log.append(message(n % 4 === 0 ? filler : `${n}`), to(1 + (n % 3)));
      if (n % 4 === 3) log.flush();
    }
    const before = [1, 2, 3].map((number) => readAll(log, session(number)).map(({ position }) => position));
    const rows = store.rows.size;
    tidyUp(log);
    expect(store.rows.size).toBeLessThan(rows / 2);
    for (const each of [log, reopen(store, { 1: 0, 2: 0, 3: 0 })]) {
      const after = [1, 2, 3].map((number) => readAll(each, session(number)).map(({ position }) => position));
      expect(after).toEqual(before);
    }
  });

  test("rewrites a chunk of which little is still needed", () => {
    const store = new MemoryLogStore();
    const saved: Record<number, number> = { 1: 0, 2: 0, 3: 0 };
    const log = reopen(store, saved);
    for (let chunk = 0; chunk < 20; chunk += 1) {
      log.append(message("x".repeat(300_000)), to(1, 2));
      log.append(message(`${chunk}`), to(1, 2, 3));
      log.flush();
    }
    const bytes = log.bytes;
    for (const number of [1, 2]) log.release(session(number), zero, log.end);
    tidyUp(log);
    // The youngest chunks are left alone.
    expect(log.bytes).toBeLessThan(bytes * 0.85);
    expect(texts(log, session(3))).toEqual(Array.from({ length: 20 }, (_, index) => `${index}`));
  });

  test("ends, and has nothing to do again when nothing came", () => {
    const store = new MemoryLogStore();
    const log = reopen(store, { 1: 0 });
    for (let n = 0; n < 40; n += 1) {
      log.append(message("x".repeat(9_000)), to(1));
      log.flush();
    }
    tidyUp(log);
    const written = store.rowsWritten;
    tidyUp(log);
    expect(store.rowsWritten).toBe(written);
  });
});
