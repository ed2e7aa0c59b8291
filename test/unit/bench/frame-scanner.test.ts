// What the load generator reads must not depend on how frames and TCP cut it.

import { expect, test } from "vitest";
import { FrameScanner } from "../../../bench/speed/load/frame-scanner.ts";
import { PacketScanner } from "../../../bench/speed/load/packet-scanner.ts";

const puback = [0x40, 2, 0, 7];
const pingresp = [0xd0, 0];
const smallPublish = [0x30, 5, 0, 1, 0x61, 1, 2];
/** A remaining length of two bytes. */
const largePublish = [0x30, 0xc8, 0x01, 0, 1, 0x62, ...Array.from({ length: 197 }, (_, n) => n)];

const ping = [0x89, 2, 0x68, 0x69];
const pong = [0x8a, 0];

/** Two packets in one frame; one packet over three frames with control frames between; 16-bit lengths; an empty frame. */
const stream: readonly number[] = [
  [0x82, puback.length + pingresp.length, ...puback, ...pingresp],
  [0x02, 3, ...smallPublish.slice(0, 3)],
  ping,
  [0x00, 0],
  [0x00, 1, ...smallPublish.slice(3, 4)],
  pong,
  [0x80, smallPublish.length - 4, ...smallPublish.slice(4)],
  [0x82, 61, ...largePublish.slice(0, 61)],
  [0x82, 126, 0, largePublish.length - 61 + puback.length, ...largePublish.slice(61), ...puback],
  [0x82, 127, 0, 0, 0, 0, 0, 0, 0, puback.length, ...puback],
].flat();

test("packets are found wherever the bytes are cut in two", () => {
  const whole = read([stream]);
  expect(whole.packets).toEqual([puback, pingresp, smallPublish, largePublish, puback, puback]);
  expect(whole.pings).toEqual([[0x68, 0x69]]);
  for (let cut = 1; cut < stream.length; cut += 1) {
    expect(read([stream.slice(0, cut), stream.slice(cut)]), `cut at ${cut}`).toEqual(whole);
  }
});

test("packets are found in bytes that come one by one", () => {
  expect(read(stream.map((byte) => [byte]))).toEqual(read([stream]));
});

test("a close is told with its code, or 1005 without one", () => {
  expect(read([[0x88, 2, 0x03, 0xf0]]).closes).toEqual([1_008]);
  expect(read([[0x88, 0]]).closes).toEqual([1_005]);
});

test("what no server may send is refused", () => {
  const bad: Record<string, readonly number[]> = {
    "opcode 1": [0x81, 1, 0x61],
    masked: [0x82, 0x81, 0, 0, 0, 0, 1],
    extension: [0xc2, 1, 0],
    "out of turn": [0x80, 1, 0],
    "more than one piece": [0x09, 1, 0],
    "remaining length": [0x82, 5, 0x30, 0xff, 0xff, 0xff, 0xff],
  };
  for (const [says, bytes] of Object.entries(bad)) expect(() => read([bytes]), says).toThrow(says);
});

interface Seen {
  readonly packets: number[][];
  readonly pings: number[][];
  readonly closes: number[];
}

function read(chunks: readonly (readonly number[])[]): Seen {
  const seen: Seen = { packets: [], pings: [], closes: [] };
  const packets = new PacketScanner({
    onPacket: (bytes, first, at, end) => seen.packets.push([first, ...lengthBytes(end - at), ...bytes.slice(at, end)]),
  });
  const frames = new FrameScanner({
    onPayload: (bytes, from, to) => packets.scan(bytes, from, to),
    onPing: (payload) => seen.pings.push([...payload]),
    onClose: (code) => seen.closes.push(code),
  });
  // Between other bytes, as in a buffer that all sockets share.
  for (const chunk of chunks) frames.scan(new Uint8Array([0xff, ...chunk, 0xff]), 1, 1 + chunk.length);
  return seen;
}

function lengthBytes(length: number): number[] {
  return length < 128 ? [length] : [(length % 128) + 128, Math.floor(length / 128)];
}
