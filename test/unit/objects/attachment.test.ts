// What a socket keeps while the object sleeps, and what neighbouring releases read of it: sockets outlive a deployment.

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { TopicName } from "../../../src/core/brand.ts";
import type { ConnectionSnapshot, SavedTerms } from "../../../src/core/restore.ts";
import { snapshotOf } from "../../../src/core/restore.ts";
import {
  bodyOf,
  markDirty,
  packHead,
  packSaved,
  readHead,
  setLastSeen,
  setRelayBehind,
  unpackSaved,
} from "../../../src/objects/attachment.ts";
import { publish, Scene, subscribe } from "../../support/scene.ts";
import { attachmentSamples, ephemeral, head, stored } from "../../contract/suites/attachment-samples.ts";

const fixture = readFileSync(new URL("../../contract/fixtures/attachments-1.txt", import.meta.url), "utf8");
const frozen = new Map(
  fixture
    .trim()
    .split("\n")
    .map((line) => line.split(" ") as [string, string]),
);
const frozenBytes = (name: string): Uint8Array => Uint8Array.from(Buffer.from(frozen.get(name) ?? "", "hex"));
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

const full: SavedTerms = {
  maximumPacketSize: 0xffff_ffff,
  wantsProblemInformation: false,
  authenticationMethod: "SCRAM-SHA-256",
  inboundAliases: [
    [1, "a" as TopicName],
    [1024, "ä/b" as TopicName],
  ],
  outboundAliasMaximum: 65_535,
  outboundAliases: ["topic/1" as TopicName, "topic/2" as TopicName],
  unansweredQos2: 300,
};
const least: SavedTerms = {
  wantsProblemInformation: true,
  inboundAliases: [],
  outboundAliasMaximum: 0,
  outboundAliases: [],
};

const ofV5 = (terms: SavedTerms): ConnectionSnapshot => ({ ...stored.snapshot, protocolVersion: 5, terms });

describe.each(Object.entries(attachmentSamples))("an attachment of MQTT 3, %s", (name, saved) => {
  test("that the release before MQTT 5 wrote is read with everything in it", () => {
    const bytes = frozenBytes(name);
    expect(readHead(bytes)).toEqual(head);
    expect(unpackSaved(bodyOf(bytes))).toStrictEqual(saved);
  });

  test("is written byte for byte as that release did, so that it can read it", () => {
    expect(hexOf(packHead(head, packSaved(saved)))).toBe(frozen.get(name));
  });
});

describe("an attachment of MQTT 5", () => {
  test.each([
    ["all terms", full],
    ["the least of them", least],
  ])("comes back with %s", (_, terms) => {
    for (const { partial, snapshot } of [ephemeral, stored]) {
      const saved = { partial, snapshot: { ...snapshot, protocolVersion: 5 as const, terms } };
      expect(unpackSaved(packSaved(saved))).toStrictEqual(saved);
    }
  });

  test("says version 2, which no older release takes for its own; one of MQTT 3 says 1", () => {
    expect(packSaved({ snapshot: ofV5(least), partial: stored.partial })[0]).toBe(2);
    expect(packSaved(stored)[0]).toBe(1);
  });

  test("has the terms at the end, behind what MQTT 3 has", () => {
    const [v3, v5] = [packSaved(stored), packSaved({ snapshot: ofV5(least), partial: stored.partial })];
    // No maximum size, wants problem information, no method, no aliases in, maximum 0, none out.
    expect([...v5.subarray(v3.length)]).toEqual([0, 1, 0, 0, 0, 0]);
  });
});

test("what the first release does not know of an attachment comes behind and beside what it reads", () => {
  const [older, newer] = [{ ...full, unansweredQos2: undefined }, full].map(({ unansweredQos2, ...rest }) => {
    const terms = unansweredQos2 === undefined ? rest : { ...rest, unansweredQos2 };
    return packHead(
      { ...head, isRelayBehind: unansweredQos2 !== undefined },
      packSaved({ ...stored, snapshot: ofV5(terms) }),
    );
  });
  const [flags, isDirtyOrOverflow] = [1, 0b11];
  expect((newer?.[flags] ?? 0) & isDirtyOrOverflow).toBe((older?.[flags] ?? 0) & isDirtyOrOverflow);
  const withoutFlags = (bytes: Uint8Array | undefined): string =>
    hexOf((bytes ?? new Uint8Array()).subarray(flags + 1));
  expect(withoutFlags(newer).startsWith(withoutFlags(older))).toBe(true);
});

test("that the client of a relay is behind is patched in place, both ways", () => {
  const bytes = packHead({ ...head, hasOverflow: true }, Uint8Array.of(1, 2, 3));
  setRelayBehind(bytes, true);
  expect(readHead(bytes)).toEqual({ ...head, hasOverflow: true, isRelayBehind: true });
  setRelayBehind(bytes, false);
  expect([readHead(bytes), [...bodyOf(bytes)]]).toEqual([{ ...head, hasOverflow: true }, [1, 2, 3]]);
});

test("a version that is not known throws, and nothing else is read", () => {
  const bytes = packSaved(stored);
  for (const version of [0, 3, 255]) {
    bytes[0] = version;
    expect(() => unpackSaved(bytes)).toThrow(`unknown version: ${version}`);
    expect(() => readHead(Uint8Array.of(version, 0, 0, 0, 0, 0, 0, 0, 0, 0))).toThrow(`unknown version: ${version}`);
  }
});

test("the head is patched in place; what follows it is not touched", () => {
  const bytes = packHead(head, Uint8Array.of(1, 2, 3));
  setLastSeen(bytes, 42);
  markDirty(bytes);
  expect([readHead(bytes), [...bodyOf(bytes)]]).toEqual([{ ...head, lastSeenMs: 42, isDirty: true }, [1, 2, 3]]);
});

describe("what a connection keeps", () => {
  const properties = {
    maximumPacketSize: 500,
    topicAliasMaximum: 3,
    requestProblemInformation: false,
  };

  test("of MQTT 5: size, aliases in both directions, and whether it wants reasons", () => {
    const scene = new Scene();
    const client = scene.connect("a", { protocolVersion: 5, properties });
    client.send(subscribe(0, "#"), publish("topic/1", "x", { properties: { topicAlias: 7 } }));
    expect(snapshotOf(client.connection)?.terms).toEqual({
      maximumPacketSize: 500,
      wantsProblemInformation: false,
      inboundAliases: [[7, "topic/1"]],
      outboundAliasMaximum: 3,
      outboundAliases: ["topic/1"],
    });
  });

  test("of MQTT 5 without properties: that it has none", () => {
    const client = new Scene().connect("a", { protocolVersion: 5 });
    expect(snapshotOf(client.connection)?.terms).toEqual(least);
  });

  test("of MQTT 3: no terms at all", () => {
    for (const protocolVersion of [3, 4] as const) {
      const client = new Scene().connect("a", { protocolVersion });
      expect(snapshotOf(client.connection)).not.toHaveProperty("terms");
    }
  });
});
