import { expect, test, vi } from "vitest";
import { Flush } from "../../src/objects/flush.ts";
import { Outgoing } from "../../src/objects/outgoing.ts";
import type { ShardSocket } from "../../src/objects/shard-socket.ts";

const KiB = 1024;

/** A flush that never gets its timer, as while input is queued, and a socket whose packets it sends. */
function flushWithoutTimer() {
  vi.useFakeTimers();
  const flush = new Flush({
    isDirty: () => false,
    write: () => false,
    touch: () => undefined,
    durable: () => Promise.resolve(),
    onFlushed: () => undefined,
    onSent: () => undefined,
    abort: (fault) => {
      throw fault;
    },
  });
  const sent: number[] = [];
  const newSocket = (): ShardSocket => {
    const outgoing = new Outgoing();
    const keep = (bytes: Uint8Array | undefined): void => void (bytes && sent.push(bytes.length));
    return {
      outgoing,
      isInFlush: false,
      sendAtOnce: () => keep(outgoing.takeAtOnce()),
      sendAfterCommit: () => keep(outgoing.takeAfterCommit()),
    } as unknown as ShardSocket;
  };
  const queue = (socket: ShardSocket, count: number, leaves: "at-once" | "after-commit"): void => {
    socket.outgoing.append(new Uint8Array(count), leaves);
    flush.onQueued(socket, count);
    flush.relieve();
  };
  return { newSocket, queue, sent };
}

test.each([
  ["at-once", 64],
  ["after-commit", 256],
] as const)(
  "what waits for a socket and may leave %s does not wait for the timer once it is %i KiB",
  (leaves, most) => {
    const { newSocket, queue, sent } = flushWithoutTimer();
    const socket = newSocket();
    queue(socket, most * KiB - 1, leaves);
    expect(sent).toEqual([]);
    queue(socket, 1, leaves);
    expect(sent).toEqual([most * KiB]);
  },
);

test("nor does what waits for all sockets, once it is 8 MiB", () => {
  const { newSocket, queue, sent } = flushWithoutTimer();
  for (let n = 1; n < 256; n += 1) queue(newSocket(), 32 * KiB, "at-once");
  expect(sent).toEqual([]);
  queue(newSocket(), 32 * KiB, "at-once");
  expect(sent).toHaveLength(256);
});
