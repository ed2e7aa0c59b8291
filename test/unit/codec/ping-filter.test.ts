// The relay's filter: PINGREQ packets are taken out of the byte stream wherever they are, and nothing else is touched.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PingFilter } from "../../../src/codec/ping-filter.ts";

const pingreq = [0xc0, 0x00];
const puback = [0x40, 0x02, 0x00, 0x07];

/** A packet of any type with a body of so many bytes, which may look like PINGREQs. */
function packet(firstByte: number, bodyLength: number): number[] {
  const header = [firstByte];
  for (let rest = bodyLength, more = true; more;) {
    const byte = rest % 128;
    rest = Math.floor(rest / 128);
    more = rest > 0;
    header.push(more ? byte | 0x80 : byte);
  }
  return [...header, ...Array.from({ length: bodyLength }, (_, at) => pingreq[at % 2] ?? 0)];
}

/** Feeds the frames; gives what goes on, joined, and how many pings were taken out. */
function feed(frames: readonly (readonly number[])[]): { forward: number[]; pings: number } {
  const filter = new PingFilter();
  const parts = frames.map((frame) => filter.feed(new Uint8Array(frame)));
  return {
    forward: parts.flatMap(({ forward }) => [...forward]),
    pings: parts.reduce((sum, { pings }) => sum + pings, 0),
  };
}

describe("a PINGREQ", () => {
  test("alone in a frame leaves nothing to pass on", () => {
    expect(feed([pingreq])).toEqual({ forward: [], pings: 1 });
  });

  test("before, between and after other packets is taken out", () => {
    const frame = [...pingreq, ...puback, ...pingreq, ...pingreq, ...puback, ...pingreq];
    expect(feed([frame])).toEqual({ forward: [...puback, ...puback], pings: 4 });
  });

  test("split between two frames, or with a packet cut before it, is taken out", () => {
    expect(feed([[0xc0], [0x00]])).toEqual({ forward: [], pings: 1 });
    expect(
      feed([
        [...puback, 0xc0],
        [0x00, ...puback],
      ]),
    ).toEqual({ forward: [...puback, ...puback], pings: 1 });
    expect(feed([puback.slice(0, 3), [...puback.slice(3), ...pingreq]])).toEqual({ forward: puback, pings: 1 });
  });

  test("in the body of another packet is payload", () => {
    const publish = packet(0x30, 300);
    expect(feed([publish])).toEqual({ forward: publish, pings: 0 });
  });

  test("[MQTT-1.5.5-1] with a length of more bytes than it needs is for the shard to judge", () => {
    const long = [0xc0, 0x80, 0x00];
    expect(feed([[...puback, ...long, ...pingreq]])).toEqual({ forward: [...puback, ...long], pings: 1 });
    expect(feed([[0xc0], [0x80], [0x00, ...puback]])).toEqual({ forward: [...long, ...puback], pings: 0 });
  });

  test("with a body or with flags is for the shard to refuse", () => {
    expect(feed([[0xc0, 0x01, 0x00]])).toEqual({ forward: [0xc0, 0x01, 0x00], pings: 0 });
    expect(feed([[0xc1, 0x00]])).toEqual({ forward: [0xc1, 0x00], pings: 0 });
  });
});

describe("a frame", () => {
  test("that ends in a fixed header passes on what comes before it, and the header with the next frame", () => {
    const filter = new PingFilter();
    expect([...filter.feed(new Uint8Array([...puback, 0x30, 0x80])).forward]).toEqual(puback);
    expect([...filter.feed(new Uint8Array([0x01, 0x55])).forward]).toEqual([0x30, 0x80, 0x01, 0x55]);
  });

  test("is not changed", () => {
    const frame = new Uint8Array([...pingreq, ...puback]);
    new PingFilter().feed(frame);
    expect([...frame]).toEqual([...pingreq, ...puback]);
  });

  test("that is empty is nothing", () => {
    expect(feed([[], pingreq, []])).toEqual({ forward: [], pings: 1 });
  });
});

test("[MQTT-1.5.5-1] after a remaining length of more than four bytes everything passes as it is, for the shard to refuse", () => {
  const broken = [0x30, 0x80, 0x80, 0x80, 0x80, 0x01];
  expect(feed([broken, pingreq, puback])).toEqual({ forward: [...broken, ...pingreq, ...puback], pings: 0 });
});

test("any stream of packets, cut into any frames, loses its PINGREQs and nothing else", () => {
  const packets = fc.array(
    fc.oneof(
      fc.constant(pingreq),
      fc.constant(puback),
      fc
        .tuple(fc.constantFrom(0x10, 0x30, 0x3d, 0x62, 0x82, 0xe0), fc.integer({ min: 0, max: 400 }))
        .map(([firstByte, bodyLength]) => packet(firstByte, bodyLength)),
    ),
    { maxLength: 12 },
  );
  const cuts = fc.array(fc.integer({ min: 0, max: 1_500 }), { maxLength: 20 });
  fc.assert(
    fc.property(packets, cuts, (stream, at) => {
      const bytes = stream.flat();
      const edges = [0, ...at.map((edge) => edge % (bytes.length + 1)).toSorted((x, y) => x - y), bytes.length];
      const frames = edges.slice(1).map((edge, index) => bytes.slice(edges[index], edge));
      const kept = stream.filter((one) => one !== pingreq).flat();
      expect(feed(frames)).toEqual({ forward: kept, pings: stream.filter((one) => one === pingreq).length });
    }),
  );
});
