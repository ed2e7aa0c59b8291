// What a socket keeps while the object sleeps (design §4.3): a head that is patched in place, then the packed snapshot.
// Layout: version, flags, last-seen (float64), then the snapshot or nothing where it is in an overflow row.

import type { ClientId, PacketId, Position, TopicFilter, TopicName } from "../core/brand.ts";
import { readMessage, writeMessage } from "../core/message-codec.ts";
import { PackedReader, PackedWriter } from "../core/packed.ts";
import type { ProtocolVersion, QoS } from "../core/packet.ts";
import type { QueuedMessage } from "../core/outbound-ephemeral.ts";
import type { StoredReplay } from "../core/replay.ts";
import type { ConnectionSnapshot, SavedInFlight, SavedTerms } from "../core/restore.ts";
import type { StoredSubscription } from "../core/session-table.ts";
import type { InFlight } from "../core/window.ts";

const headVersion = 1;
/** Of MQTT 3 connections: also the release before MQTT 5 reads them. */
const snapshotVersion = 1;
/** With the terms of an MQTT 5 connection at the end; no older release has let such a client in. */
const snapshotVersion5 = 2;
const headLength = 10;
const dirtyFlag = 1;
const overflowFlag = 2;
/** The first release leaves it alone. */
const relayBehindFlag = 4;
/** The platform's 16,384 bytes, less what structured clone adds. */
export const maximumAttachmentBytes = 16_000;

export interface AttachmentHead {
  readonly isDirty: boolean;
  readonly hasOverflow: boolean;
  /** The client behind the socket's relay reads too slowly. */
  readonly isRelayBehind: boolean;
  readonly lastSeenMs: number;
}

/** The snapshot, and the bytes of a packet that had come only in part. */
export interface SavedConnection {
  readonly snapshot: ConnectionSnapshot;
  readonly partial: Uint8Array;
}

export function packHead(head: AttachmentHead, body?: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(headLength + (body?.length ?? 0));
  bytes[0] = headVersion;
  bytes[1] =
    (head.isDirty ? dirtyFlag : 0) | (head.hasOverflow ? overflowFlag : 0) | (head.isRelayBehind ? relayBehindFlag : 0);
  new DataView(bytes.buffer).setFloat64(2, head.lastSeenMs);
  if (body !== undefined) bytes.set(body, headLength);
  return bytes;
}

/** Marks the attachment as out of date, in place. */
export function markDirty(attachment: Uint8Array): void {
  attachment[1] = (attachment[1] ?? 0) | dirtyFlag;
}

export function setRelayBehind(attachment: Uint8Array, isRelayBehind: boolean): void {
  const others = (attachment[1] ?? 0) & ~relayBehindFlag;
  attachment[1] = others | (isRelayBehind ? relayBehindFlag : 0);
}

export function setLastSeen(attachment: Uint8Array, lastSeenMs: number): void {
  new DataView(attachment.buffer, attachment.byteOffset).setFloat64(2, lastSeenMs);
}

export function readHead(attachment: Uint8Array): AttachmentHead {
  if (attachment[0] !== headVersion) throw new Error(`attachment of an unknown version: ${attachment[0]}`);
  const flags = attachment[1] ?? 0;
  return {
    isDirty: (flags & dirtyFlag) !== 0,
    hasOverflow: (flags & overflowFlag) !== 0,
    isRelayBehind: (flags & relayBehindFlag) !== 0,
    lastSeenMs: new DataView(attachment.buffer, attachment.byteOffset).getFloat64(2),
  };
}

export const bodyOf = (attachment: Uint8Array): Uint8Array => attachment.subarray(headLength);

export function packSaved({ snapshot, partial }: SavedConnection): Uint8Array<ArrayBuffer> {
  const writer = new PackedWriter();
  const { terms } = snapshot;
  writer.byte(terms === undefined ? snapshotVersion : snapshotVersion5);
  writer.uint(snapshot.id).byte(snapshot.protocolVersion).uint(snapshot.keepAliveSec);
  writer
    .uint(snapshot.connectedAtMs)
    .byte(snapshot.hasWill ? 1 : 0)
    .string(snapshot.clientId);
  writeOptionalString(writer, snapshot.username);
  writer.optionalUint(snapshot.leaseSec).uint(snapshot.windowSize).bytes(partial);
  writeOutbound(writer, snapshot.outbound);
  writeList(writer, snapshot.replays, writeReplay);
  if (terms !== undefined) writeTerms(writer, terms);
  return writer.finish();
}

export function unpackSaved(bytes: Uint8Array): SavedConnection {
  const reader = new PackedReader(bytes);
  const version = reader.byte();
  if (version !== snapshotVersion && version !== snapshotVersion5)
    throw new Error(`connection snapshot of an unknown version: ${version}`);
  const id = reader.uint();
  const protocolVersion = reader.byte() as ProtocolVersion;
  const keepAliveSec = reader.uint();
  const connectedAtMs = reader.uint();
  const hasWill = reader.byte() === 1;
  const clientId = reader.string() as ClientId;
  const username = readOptionalString(reader);
  const leaseSec = reader.optionalUint();
  const windowSize = reader.uint();
  const partial = readPartial(reader);
  const outbound = readOutbound(reader);
  const replays = readList(reader, readReplay);
  const terms = version === snapshotVersion5 ? readTerms(reader) : undefined;
  return {
    partial,
    snapshot: {
      id,
      protocolVersion,
      keepAliveSec,
      connectedAtMs,
      hasWill,
      clientId,
      windowSize,
      outbound,
      replays,
      ...(username !== undefined && { username }),
      ...(leaseSec !== undefined && { leaseSec }),
      ...(terms !== undefined && { terms }),
    },
  };
}

const noBytes = new Uint8Array(0);

/** Nearly always nothing: thousands of arrays are not made for that. */
function readPartial(reader: PackedReader): Uint8Array {
  const length = reader.uint();
  return length === 0 ? noBytes : reader.raw(length).slice();
}

function writeTerms(writer: PackedWriter, terms: SavedTerms): void {
  writer.optionalUint(terms.maximumPacketSize).byte(terms.wantsProblemInformation ? 1 : 0);
  writeOptionalString(writer, terms.authenticationMethod);
  writeList(writer, terms.inboundAliases, (to, [alias, topicName]) => void to.uint(alias).string(topicName));
  writer.uint(terms.outboundAliasMaximum);
  writeList(writer, terms.outboundAliases, (to, topicName) => void to.string(topicName));
  // The first release reads up to here; it leaves out what it does not know.
  if (terms.unansweredQos2 !== undefined) writer.uint(terms.unansweredQos2);
}

function readTerms(reader: PackedReader): SavedTerms {
  const maximumPacketSize = reader.optionalUint();
  const wantsProblemInformation = reader.byte() === 1;
  const authenticationMethod = readOptionalString(reader);
  const inboundAliases = readList(reader, (from) => [from.uint(), from.string() as TopicName] as const);
  const outboundAliasMaximum = reader.uint();
  const outboundAliases = readList(reader, (from) => from.string() as TopicName);
  const unansweredQos2 = reader.atEnd ? undefined : reader.uint();
  return {
    wantsProblemInformation,
    inboundAliases,
    outboundAliasMaximum,
    outboundAliases,
    ...(maximumPacketSize !== undefined && { maximumPacketSize }),
    ...(authenticationMethod !== undefined && { authenticationMethod }),
    ...(unansweredQos2 !== undefined && { unansweredQos2 }),
  };
}

const storedTag = 1;
const ephemeralTag = 0;

function writeOutbound(writer: PackedWriter, outbound: ConnectionSnapshot["outbound"]): void {
  if (outbound.kind === "stored") {
    writer.byte(storedTag).uint(outbound.cursor).uint(outbound.resendTo);
    writeList(writer, outbound.inFlight, writeInFlight);
    return;
  }
  writer.byte(ephemeralTag).uint(outbound.lastPacketId).uint(outbound.nextSubscriptionNumber);
  writeList(writer, outbound.inFlight, writeSavedInFlight);
  writeList(writer, outbound.inbound, (to, id) => void to.uint(id));
  writeList(writer, outbound.subscriptions, writeSubscription);
  writeList(writer, outbound.queue, writeQueued);
}

function readOutbound(reader: PackedReader): ConnectionSnapshot["outbound"] {
  if (reader.byte() === storedTag) {
    const cursor = reader.uint() as Position;
    const resendTo = reader.uint() as Position;
    return { kind: "stored", cursor, resendTo, inFlight: readList(reader, readInFlight) };
  }
  return {
    kind: "ephemeral",
    lastPacketId: reader.uint(),
    nextSubscriptionNumber: reader.uint(),
    inFlight: readList(reader, readSavedInFlight),
    inbound: readList(reader, (from) => from.uint() as PacketId),
    subscriptions: readList(reader, readSubscription),
    queue: readList(reader, readQueued),
  };
}

const qos2Bit = 1;
const releasedBit = 2;

function writeInFlight(writer: PackedWriter, entry: Omit<InFlight, "handed">): void {
  writer.uint(entry.packetId).optionalUint(entry.position);
  writer.byte((entry.qos === 2 ? qos2Bit : 0) | (entry.phase === "released" ? releasedBit : 0));
}

function readInFlight(reader: PackedReader): Omit<InFlight, "handed"> {
  const packetId = reader.uint() as PacketId;
  const position = reader.optionalUint() as Position | undefined;
  const bits = reader.byte();
  return {
    packetId,
    position,
    qos: (bits & qos2Bit) === 0 ? 1 : 2,
    phase: (bits & releasedBit) === 0 ? "sent" : "released",
  };
}

function writeSavedInFlight(writer: PackedWriter, entry: SavedInFlight): void {
  const { handed, ...plain } = entry;
  writeInFlight(writer, plain);
  writer.byte(handed === undefined ? 0 : 1);
  if (handed === undefined) return;
  writer.string(handed.filter).optionalUint(handed.position);
  writeMessage(writer, handed.message);
}

function readSavedInFlight(reader: PackedReader): SavedInFlight {
  const plain = readInFlight(reader);
  if (reader.byte() === 0) return plain;
  const filter = reader.string();
  const position = reader.optionalUint() as Position | undefined;
  return { ...plain, handed: { filter, position, message: readMessage(reader) } };
}

const noLocalBit = 1;
const retainAsPublishedBit = 2;

function writeSubscription(writer: PackedWriter, row: StoredSubscription): void {
  writer.string(row.filter).uint(row.number).byte(row.qos).byte(row.retainHandling);
  writer.byte((row.noLocal ? noLocalBit : 0) | (row.retainAsPublished ? retainAsPublishedBit : 0));
  writer.optionalUint(row.subscriptionIdentifier);
}

function readSubscription(reader: PackedReader): StoredSubscription {
  const filter = reader.string();
  const number = reader.uint();
  const qos = reader.byte() as QoS;
  const retainHandling = reader.byte() as 0 | 1 | 2;
  const bits = reader.byte();
  const subscriptionIdentifier = reader.optionalUint();
  return {
    filter,
    number,
    qos,
    retainHandling,
    noLocal: (bits & noLocalBit) !== 0,
    retainAsPublished: (bits & retainAsPublishedBit) !== 0,
    ...(subscriptionIdentifier !== undefined && { subscriptionIdentifier }),
  };
}

function writeQueued(writer: PackedWriter, queued: QueuedMessage): void {
  writer.byte(queued.qos).byte(queued.retain ? 1 : 0);
  writeList(writer, queued.subscriptionIdentifiers ?? [], (to, identifier) => void to.uint(identifier));
  writeMessage(writer, queued.message);
}

function readQueued(reader: PackedReader): QueuedMessage {
  const qos = reader.byte() as 1 | 2;
  const retain = reader.byte() === 1;
  const identifiers = readList(reader, (from) => from.uint());
  const message = readMessage(reader);
  return { message, qos, retain, subscriptionIdentifiers: identifiers.length === 0 ? undefined : identifiers };
}

function writeReplay(writer: PackedWriter, job: StoredReplay): void {
  writer.string(job.key).string(job.filter).string(job.topicFilter).uint(job.owner).byte(job.qos);
  writer.optionalUint(job.subscriptionIdentifier).uint(job.notAfterVersion);
  writeOptionalString(writer, job.lastTopic);
}

function readReplay(reader: PackedReader): StoredReplay {
  const key = reader.string();
  const filter = reader.string();
  const topicFilter = reader.string() as TopicFilter;
  const owner = reader.uint();
  const qos = reader.byte() as QoS;
  const subscriptionIdentifier = reader.optionalUint();
  const notAfterVersion = reader.uint();
  const lastTopic = readOptionalString(reader) as TopicName | undefined;
  return {
    key,
    filter,
    topicFilter,
    owner,
    qos,
    notAfterVersion,
    lastTopic,
    ...(subscriptionIdentifier !== undefined && { subscriptionIdentifier }),
  };
}

function writeOptionalString(writer: PackedWriter, value: string | undefined): void {
  writer.byte(value === undefined ? 0 : 1);
  if (value !== undefined) writer.string(value);
}

const readOptionalString = (reader: PackedReader): string | undefined =>
  reader.byte() === 0 ? undefined : reader.string();

function writeList<T>(writer: PackedWriter, items: readonly T[], write: (writer: PackedWriter, item: T) => void): void {
  writer.uint(items.length);
  for (const item of items) write(writer, item);
}

function readList<T>(reader: PackedReader, read: (reader: PackedReader) => T): T[] {
  // A loop: `Array.from` is a fifth of the time that a shard takes to bring back its sockets.
  const items: T[] = [];
  for (let left = reader.uint(); left > 0; left -= 1) items.push(read(reader));
  return items;
}
