// What travels on a link between two shards, and its packed format. A message body is packed by `message-codec`; what is
// inside is not looked at here.

import { PackedReader, type PackedWriter, ScratchWriter } from "./packed.ts";
import type { QoS } from "./packet.ts";

/** The publisher's session, so that its shard can apply No Local (§3.8.3.1). */
export interface Publisher {
  readonly shard: number;
  readonly session: number;
}

interface Carried {
  readonly qos: QoS;
  readonly retain: boolean;
  /** The packed message; an owner passes it on as it came. */
  readonly message: Uint8Array;
}

/** One concern on a link. Fields are only ever added, at the end. */
export type LinkEntry =
  /** Publisher's shard → owner. */
  | (Carried & { readonly kind: "publish"; readonly publisher?: Publisher | undefined })
  /** Owner → a shard with subscribers, which matches among its own. */
  | (Carried & { readonly kind: "delivery"; readonly publisher?: Publisher | undefined })
  /** Subscriber's shard → owner. `registration` rises with every add, remove and set of a shard, also across its lives. */
  | { readonly kind: "route-add"; readonly filter: string; readonly registration: number }
  | { readonly kind: "route-remove"; readonly filter: string; readonly registration: number }
  /** All routes of a shard, in parts that share a registration; the last part ends what the set does not name. */
  | {
      readonly kind: "route-set";
      readonly filters: readonly string[];
      readonly registration: number;
      readonly last: boolean;
    }
  /** Owner → subscriber's shard: from this place in the stream on the registration is served; `version` of the owner then. */
  | { readonly kind: "registered"; readonly filter: string; readonly registration: number; readonly version: number }
  | {
      readonly kind: "retained-query";
      readonly request: number;
      readonly filter: string;
      readonly after?: string | undefined;
      readonly limit: number;
      readonly notAfterVersion: number;
    }
  | {
      readonly kind: "retained-page";
      readonly request: number;
      readonly messages: readonly Uint8Array[];
      readonly next?: string | undefined;
    }
  /**
   * Owner of a shared group → a shard with members that have a free slot: the message is that shard's from now on.
   * `isDurable`: some member of the group has a session that outlives its connection.
   */
  | {
      readonly kind: "share-offer";
      readonly filter: string;
      readonly qos: QoS;
      readonly message: Uint8Array;
      readonly isDurable: boolean;
    }
  /** Back to the owner: no member of the group is left here. */
  | { readonly kind: "share-return"; readonly filter: string; readonly qos: QoS; readonly message: Uint8Array }
  /**
   * Back to the owner: no member here that has a free slot may receive it; `isFinal`: no other member either. A shard
   * that does not know this gets a `share-return` next.
   */
  | {
      readonly kind: "share-refusal";
      readonly filter: string;
      readonly qos: QoS;
      readonly message: Uint8Array;
      readonly isFinal: boolean;
    }
  /**
   * Shard with members → owner: whether one of them has a free slot. Said again though nothing changed: one has that may
   * receive what was refused.
   */
  | { readonly kind: "share-state"; readonly filter: string; readonly isReady: boolean }
  /** Of a newer version: answered as not understood. */
  | { readonly kind: "unknown"; readonly code: number };

export type KnownEntry = Exclude<LinkEntry, { readonly kind: "unknown" }>;

const codes = {
  publish: 1,
  delivery: 2,
  "route-add": 4,
  "route-remove": 5,
  "route-set": 6,
  registered: 7,
  "retained-query": 8,
  "retained-page": 9,
  "share-offer": 10,
  "share-return": 11,
  "share-state": 12,
  "share-refusal": 13,
} as const satisfies Record<KnownEntry["kind"], number>;

const qosMask = 0b11;
const retainBit = 0b100;
const publisherBit = 0b1000;

const [bodyWriter, entryWriter] = [new ScratchWriter(), new ScratchWriter()];

/** An entry as it stands in batches and rows: code, length, body. */
export function packEntry(entry: KnownEntry): Uint8Array {
  const body = bodyWriter.begin();
  writeBody(body, entry);
  return entryWriter.begin().byte(codes[entry.kind]).bytes(body.written).finish();
}

function writeBody(to: PackedWriter, entry: KnownEntry): void {
  switch (entry.kind) {
    case "publish":
    case "delivery": {
      const { publisher } = entry;
      to.byte(entry.qos | (entry.retain ? retainBit : 0) | (publisher === undefined ? 0 : publisherBit));
      if (publisher !== undefined) to.uint(publisher.shard).uint(publisher.session);
      to.bytes(entry.message);
      return;
    }
    case "route-add":
    case "route-remove":
      to.string(entry.filter).uint(entry.registration);
      return;
    case "route-set":
      to.uint(entry.registration)
        .byte(entry.last ? 1 : 0)
        .uint(entry.filters.length);
      for (const filter of entry.filters) to.string(filter);
      return;
    case "registered":
      to.string(entry.filter).uint(entry.registration).uint(entry.version);
      return;
    case "retained-query":
      to.uint(entry.request).string(entry.filter).uint(entry.limit).uint(entry.notAfterVersion);
      writeOptional(to, entry.after);
      return;
    case "share-offer":
      to.string(entry.filter)
        .byte(entry.qos)
        .bytes(entry.message)
        .byte(entry.isDurable ? 1 : 0);
      return;
    case "share-return":
      to.string(entry.filter).byte(entry.qos).bytes(entry.message);
      return;
    case "share-refusal":
      to.string(entry.filter)
        .byte(entry.qos)
        .bytes(entry.message)
        .byte(entry.isFinal ? 1 : 0);
      return;
    case "share-state":
      to.string(entry.filter).byte(entry.isReady ? 1 : 0);
      return;
    case "retained-page":
      to.uint(entry.request).uint(entry.messages.length);
      for (const message of entry.messages) to.bytes(message);
      writeOptional(to, entry.next);
  }
}

function writeOptional(to: PackedWriter, value: string | undefined): void {
  to.byte(value === undefined ? 0 : 1);
  if (value !== undefined) to.string(value);
}

const readOptional = (from: PackedReader): string | undefined => (from.byte() === 0 ? undefined : from.string());

/** Reads what `packEntry` wrote; what a newer version appended to the body is passed over. */
export function unpackEntry(from: PackedReader): LinkEntry {
  const code = from.byte();
  return readBody(code, new PackedReader(from.bytes()));
}

function readBody(code: number, from: PackedReader): LinkEntry {
  switch (code) {
    case codes.publish:
      return { kind: "publish", ...readMessage(from) };
    case codes.delivery:
      return { kind: "delivery", ...readMessage(from) };
    case codes["route-add"]:
      return { kind: "route-add", filter: from.string(), registration: from.uint() };
    case codes["route-remove"]:
      return { kind: "route-remove", filter: from.string(), registration: from.uint() };
    case codes["route-set"]: {
      const registration = from.uint();
      const last = from.byte() !== 0;
      return { kind: "route-set", registration, last, filters: readList(from, () => from.string()) };
    }
    case codes.registered:
      return { kind: "registered", filter: from.string(), registration: from.uint(), version: from.uint() };
    case codes["retained-query"]: {
      const head = { request: from.uint(), filter: from.string(), limit: from.uint(), notAfterVersion: from.uint() };
      return { kind: "retained-query", ...head, after: readOptional(from) };
    }
    case codes["retained-page"]: {
      const request = from.uint();
      const messages = readList(from, () => from.bytes());
      return { kind: "retained-page", request, messages, next: readOptional(from) };
    }
    case codes["share-offer"]: {
      const head = { filter: from.string(), qos: qosOf(from.byte()), message: from.bytes() };
      // The first release does not say it.
      return { kind: "share-offer", ...head, isDurable: !from.atEnd && from.byte() !== 0 };
    }
    case codes["share-return"]:
      return { kind: "share-return", filter: from.string(), qos: qosOf(from.byte()), message: from.bytes() };
    case codes["share-refusal"]: {
      const head = { filter: from.string(), qos: qosOf(from.byte()), message: from.bytes() };
      return { kind: "share-refusal", ...head, isFinal: from.byte() !== 0 };
    }
    case codes["share-state"]:
      return { kind: "share-state", filter: from.string(), isReady: from.byte() !== 0 };
    default:
      return { kind: "unknown", code };
  }
}

/** A count and so many items. */
export const readList = <Item>(from: PackedReader, read: () => Item): Item[] =>
  Array.from({ length: from.uint() }, read);

function readMessage(from: PackedReader): Carried & { readonly publisher: Publisher | undefined } {
  const flags = from.byte();
  const publisher = (flags & publisherBit) === 0 ? undefined : { shard: from.uint(), session: from.uint() };
  return { qos: qosOf(flags), retain: (flags & retainBit) !== 0, publisher, message: from.bytes() };
}

function qosOf(flags: number): QoS {
  const qos = flags & qosMask;
  if (qos > 2) throw new RangeError("a link entry of QoS 3");
  return qos as QoS;
}
