// How bytes become packets: frames, sizes, what may come first, hibernation.

import { describe, expect, test } from "vitest";
import { PacketDecoder } from "../../../src/codec/packet-decoder.ts";
import { bytes, concat, decodeAll, decodeOne, drain, everyVersion, maximumPacketSize, packet } from "./wire.ts";

const connect4 = packet(0x10, "MQTT", 4, 0x02, [0, 60], "c");
const connect5 = packet(0x10, "MQTT", 5, 0x02, [0, 60], 0, "c");
const publish = packet(0x32, "a/b", [0, 7], [1, 2, 3]);
const pingreq = Uint8Array.of(0xc0, 0);
const published = {
  kind: "publish",
  dup: false,
  qos: 1,
  retain: false,
  topicName: "a/b",
  packetId: 7,
  payload: Uint8Array.of(1, 2, 3),
};

const header = (...head: number[]): unknown => decodeOne(4, Uint8Array.from(head));

describe("frames", () => {
  test("several packets in one frame", () => {
    expect(decodeAll(4, concat(publish, pingreq, publish))).toEqual([published, { kind: "pingreq" }, published]);
  });

  test("one byte per frame", () => {
    const frames = [...concat(connect4, publish, pingreq)].map((byte) => Uint8Array.of(byte));
    expect(decodeAll(undefined, ...frames).map((each) => each.kind)).toEqual(["connect", "publish", "pingreq"]);
  });

  test("frames pushed before packets are taken", () => {
    const decoder = new PacketDecoder({ maximumPacketSize, protocolVersion: 4 });
    for (const byte of concat(publish, pingreq)) decoder.push(Uint8Array.of(byte));
    expect(drain(decoder)).toEqual([published, { kind: "pingreq" }]);
  });

  test("an empty frame is nothing", () => {
    expect(decodeAll(4, new Uint8Array(0), publish)).toEqual([published]);
  });

  test("the payload of a packet within one frame is a view of that frame", () => {
    const [decoded] = decodeAll(4, publish);
    expect(decoded?.kind === "publish" && decoded.payload.buffer === publish.buffer).toBe(true);
  });

  test("a frame may be reused once next() has given undefined", () => {
    const decoder = new PacketDecoder({ maximumPacketSize, protocolVersion: 4 });
    const frame = publish.slice(0, 6);
    decoder.push(frame);
    expect(decoder.next()).toBeUndefined();
    frame.fill(0xff);
    decoder.push(publish.slice(6));
    expect(decoder.next()).toEqual(published);
  });

  test("a payload already handed out does not change when more bytes come", () => {
    const decoder = new PacketDecoder({ maximumPacketSize, protocolVersion: 4 });
    decoder.push(publish.slice(0, 3));
    decoder.next();
    decoder.push(concat(publish.slice(3), publish.slice(0, 3)));
    const first = decoder.next();
    decoder.next();
    decoder.push(concat(publish.slice(3), publish, publish));
    expect(drain(decoder)).toEqual([published, published, published]);
    expect(first).toEqual(published);
  });
});

describe("hibernation", () => {
  test("partial and protocolVersion continue in a new decoder, wherever the cut is", () => {
    for (let cut = 0; cut < publish.length; cut += 1) {
      const before = new PacketDecoder({ maximumPacketSize, protocolVersion: 4 });
      before.push(concat(pingreq, publish.slice(0, cut)));
      expect(drain(before)).toEqual([{ kind: "pingreq" }]);
      const after = new PacketDecoder({ maximumPacketSize, protocolVersion: 4 });
      after.push(before.partial);
      after.push(publish.slice(cut));
      expect(drain(after)).toEqual([published]);
    }
  });

  test("a cut within CONNECT", () => {
    const before = new PacketDecoder({ maximumPacketSize });
    before.push(connect4.slice(0, 5));
    expect(before.next()).toBeUndefined();
    const after = new PacketDecoder({ maximumPacketSize });
    after.push(before.partial);
    after.push(connect4.slice(5));
    expect(after.next()).toMatchObject({ kind: "connect", clientId: "c" });
  });

  test("partial is empty between packets and holds no other bytes", () => {
    const decoder = new PacketDecoder({ maximumPacketSize, protocolVersion: 4 });
    decoder.push(concat(publish, Uint8Array.of(0x32)));
    drain(decoder);
    expect(decoder.partial).toEqual(Uint8Array.of(0x32));
    expect(decoder.partial.buffer.byteLength).toBe(1);
    decoder.push(publish.slice(1));
    drain(decoder);
    expect(decoder.partial.length).toBe(0);
  });
});

describe("the first packet", () => {
  test("[MQTT-3.1.0-1] must be CONNECT", () => {
    for (const frame of [publish, pingreq, Uint8Array.of(0xe0, 0), Uint8Array.of(0x00, 0), Uint8Array.of(0x20)]) {
      expect(decodeOne(undefined, frame)).toMatchObject({
        kind: "violation",
        clause: "MQTT-3.1.0-1",
        reasonCode: 0x82,
      });
    }
  });

  test("sets the version by which the next ones are read", () => {
    const decoder = new PacketDecoder({ maximumPacketSize });
    expect(decoder.protocolVersion).toBeUndefined();
    decoder.push(concat(connect5, packet(0x30, "t", 0, [9])));
    expect(drain(decoder)[1]).toMatchObject({ kind: "publish", payload: Uint8Array.of(9) });
    expect(decoder.protocolVersion).toBe(5);
  });

  test("[MQTT-3.1.2-2] a level that does not exist is answered in the form that its client knows", () => {
    for (const [name, level, form] of [
      ["MQTT", 6, 5],
      ["MQTT", 127, 5],
      ["MQTT", 0x85, 5],
      ["MQTT", 3, 4],
      ["MQTT", 0, 4],
      ["MQTT", 0x84, 4],
      ["MQIsdp", 6, 4],
      ["MQIsdp", 0x83, 4],
    ] as const) {
      const decoder = new PacketDecoder({ maximumPacketSize });
      decoder.push(packet(0x10, name, level, 0x02, [0, 60], 0, "c"));
      expect(decoder.next()).toMatchObject({ kind: "violation", reasonCode: 0x84 });
      expect(decoder.protocolVersion).toBe(form);
    }
  });

  test("a second CONNECT is decoded, and changes nothing", () => {
    const decoder = new PacketDecoder({ maximumPacketSize });
    decoder.push(concat(connect4, connect5));
    expect(drain(decoder)).toMatchObject([{ protocolVersion: 4 }, { protocolVersion: 5 }]);
    expect(decoder.protocolVersion).toBe(4);
  });

  test("the version is known when only the rest of CONNECT is bad", () => {
    const decoder = new PacketDecoder({ maximumPacketSize });
    decoder.push(packet(0x10, "MQTT", 5, 0x03, [0, 60], 0, "c"));
    expect(decoder.next()).toMatchObject({ kind: "violation" });
    expect(decoder.protocolVersion).toBe(5);
  });
});

describe("judged before it is buffered", () => {
  test("maximumPacketSize: a packet over the limit is refused as soon as its length is known", () => {
    const decoder = new PacketDecoder({ maximumPacketSize: 130, protocolVersion: 4 });
    decoder.push(Uint8Array.of(0x30, 0x80)); // 128 bytes and the fixed header of 3: 131
    expect(decoder.next()).toBeUndefined();
    decoder.push(Uint8Array.of(0x01));
    expect(decoder.next()).toMatchObject({ kind: "violation", reasonCode: 0x95, limit: "maximumPacketSize" });
  });

  test("maximumPacketSize: a packet of exactly the limit is taken, fixed header included", () => {
    const decoder = new PacketDecoder({ maximumPacketSize: 129, protocolVersion: 4 });
    decoder.push(packet(0x30, "t", new Uint8Array(124)));
    expect(decoder.next()).toMatchObject({ kind: "publish" });
  });

  test("a remaining length of more than four bytes is malformed", () => {
    expect(header(0x30, 0x80, 0x80, 0x80, 0x80)).toMatchObject({ kind: "violation", reasonCode: 0x81 });
    expect(header(0x30, 0xff, 0xff, 0xff)).toBeUndefined();
  });

  test("[MQTT-1.5.5-1] a remaining length takes no more bytes than it needs in MQTT 5", () => {
    const long = bytes(0xc0, [0x80, 0x00]);
    expect(decodeOne(5, long)).toMatchObject({ kind: "violation", clause: "MQTT-1.5.5-1" });
    expect(decodeOne(4, long)).toEqual({ kind: "pingreq" });
  });

  test("[MQTT-1.5.5-1] that of CONNECT neither, once the version is known", () => {
    const head = [0x10, 0x8e, 0x00];
    const rest = bytes([0, 60], 0, "c");
    expect(decodeOne(undefined, bytes(head, "MQTT", 5, 0x02, rest))).toMatchObject({
      kind: "violation",
      reasonCode: 0x81,
      clause: "MQTT-1.5.5-1",
    });
    const head4 = [0x10, 0x8d, 0x00];
    expect(decodeOne(undefined, bytes(head4, "MQTT", 4, 0x02, [0, 60], "c"))).toMatchObject({ kind: "connect" });
  });

  test("[MQTT-1.5.5-1] of two bytes, where it needs two", () => {
    const whole = packet(0x10, "MQTT", 5, 0x02, [0, 60], 0, "c".repeat(200));
    expect(decodeOne(undefined, whole)).toMatchObject({ kind: "connect" });
  });

  test("[MQTT-2.1.3-1] [MQTT-2.2.2-2 v3.1.1] reserved flags have their value", () => {
    for (const version of everyVersion) {
      for (const [type, right] of [
        [1, 0],
        [4, 0],
        [5, 0],
        [6, 2],
        [7, 0],
        [8, 2],
        [10, 2],
        [12, 0],
        [14, 0],
      ] as const) {
        for (let flags = 0; flags < 16; flags += 1) {
          const isRepeat = version === 3 && right === 2 && flags === 0x0a;
          const judged = decodeOne(version, Uint8Array.of((type << 4) | flags));
          const clause = judged?.kind === "violation" ? judged.clause : undefined;
          expect(clause).toBe(flags === right || isRepeat ? undefined : "MQTT-2.1.3-1");
        }
      }
    }
  });

  test("[MQTT-3.3.1-4] QoS 3 is malformed", () => {
    for (const version of everyVersion) {
      expect(decodeOne(version, Uint8Array.of(0x36))).toMatchObject({ reasonCode: 0x81, clause: "MQTT-3.3.1-4" });
    }
  });

  test("[MQTT-3.3.1-2] DUP with QoS 0 is malformed", () => {
    for (const version of everyVersion) {
      expect(decodeOne(version, Uint8Array.of(0x38))).toMatchObject({ reasonCode: 0x81, clause: "MQTT-3.3.1-2" });
    }
  });

  test("packets that only a server sends", () => {
    for (const version of everyVersion) {
      for (const first of [0x20, 0x90, 0xb0, 0xd0]) {
        expect(decodeOne(version, Uint8Array.of(first))).toMatchObject({ kind: "violation", reasonCode: 0x82 });
      }
    }
  });

  test("packet type 0, and 15 before MQTT 5, are reserved", () => {
    for (const version of everyVersion) {
      expect(decodeOne(version, Uint8Array.of(0x00))).toMatchObject({ kind: "violation", reasonCode: 0x81 });
    }
    expect(decodeOne(4, Uint8Array.of(0xf0))).toMatchObject({ kind: "violation", reasonCode: 0x81 });
    expect(decodeOne(5, Uint8Array.of(0xf0))).toBeUndefined();
  });

  test("after a violation next() keeps giving it and buffers nothing", () => {
    const decoder = new PacketDecoder({ maximumPacketSize, protocolVersion: 4 });
    decoder.push(concat(publish, Uint8Array.of(0x36), publish));
    expect(decoder.next()).toEqual(published);
    const violation = decoder.next();
    expect(violation).toMatchObject({ kind: "violation" });
    decoder.push(publish);
    expect(decoder.next()).toBe(violation);
    expect(decoder.partial.length).toBe(0);
  });
});
