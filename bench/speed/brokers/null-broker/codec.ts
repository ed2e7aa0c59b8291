// The few bytes of MQTT that a broker must look at to pass a message on. Nothing is validated.

export const connectPacket = 1;
export const connackPacket = 2;
export const publishPacket = 3;
export const pubackPacket = 4;
export const pubrecPacket = 5;
export const pubrelPacket = 6;
export const pubcompPacket = 7;
export const subscribePacket = 8;
export const subackPacket = 9;
export const pingreqPacket = 12;
export const pingrespPacket = 13;
export const disconnectPacket = 14;

export const typeBits = 4;
export const qosBits = 1;
export const qosMask = 3;
export const retainBit = 1;
/** PUBREL has them [MQTT-3.6.1-1]. */
export const pubrelFlags = 2;
export const highestPacketId = 65_535;

const byteBits = 8;
const byteMask = 0xff;
const varintBits = 7;
const varintMask = 0x7f;
const varintMore = 0x80;
const lengthBytes = 2;

export const readUint16 = (bytes: Uint8Array, at: number): number =>
  ((bytes[at] ?? 0) << byteBits) | (bytes[at + 1] ?? 0);

export function writeUint16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >> byteBits;
  bytes[at + 1] = value & byteMask;
}

/** A variable byte integer; `next` is where it ends. One object for all calls: there is nothing to collect. */
export const varint = { value: 0, next: 0 };

export function readVarint(bytes: Uint8Array, from: number): void {
  let value = 0;
  let at = from;
  let shift = 0;
  let byte = varintMore;
  while (byte >= varintMore) {
    byte = bytes[at++] ?? 0;
    value |= (byte & varintMask) << shift;
    shift += varintBits;
  }
  varint.value = value;
  varint.next = at;
}

/** Says where it ends. */
export function writeVarint(bytes: Uint8Array, from: number, value: number): number {
  let at = from;
  let rest = value;
  while (rest > varintMask) {
    bytes[at++] = (rest & varintMask) | varintMore;
    rest >>= varintBits;
  }
  bytes[at++] = rest;
  return at;
}

/** A PUBLISH where it lies in a message; one object for all, too. */
export class Incoming {
  bytes: Uint8Array = new Uint8Array();
  topicStart = 0;
  topicEnd = 0;
  packetId = 0;
  qos = 0;
  retain = false;
  /** With their length; empty where the client speaks MQTT 3. */
  propertiesStart = 0;
  payloadStart = 0;
  end = 0;

  read(bytes: Uint8Array, first: number, body: number, end: number, isVersion5: boolean): void {
    this.bytes = bytes;
    this.qos = (first >> qosBits) & qosMask;
    this.retain = (first & retainBit) !== 0;
    this.topicStart = body + lengthBytes;
    this.topicEnd = this.topicStart + readUint16(bytes, body);
    this.packetId = this.qos === 0 ? 0 : readUint16(bytes, this.topicEnd);
    this.propertiesStart = this.topicEnd + (this.qos === 0 ? 0 : lengthBytes);
    this.payloadStart = this.propertiesStart;
    this.end = end;
    if (!isVersion5) return;
    readVarint(bytes, this.propertiesStart);
    this.payloadStart = varint.next + varint.value;
  }
}

/** The longest fixed header. */
const headerBytes = 5;
const firstFrameBytes = 1024;

/** An outgoing PUBLISH, encoded once for all subscribers of one version and QoS; each patches its packet id. */
export class Frame {
  bytes = new Uint8Array(firstFrameBytes);
  length = 0;
  idAt = 0;

  encode(incoming: Incoming, qos: number, isVersion5: boolean, retain = false): void {
    const { bytes: source, topicStart, topicEnd, propertiesStart, payloadStart, end } = incoming;
    const properties = isVersion5 ? Math.max(1, payloadStart - propertiesStart) : 0;
    const topicBytes = lengthBytes + topicEnd - topicStart;
    const remaining = topicBytes + (qos === 0 ? 0 : lengthBytes) + properties + end - payloadStart;
    if (remaining + headerBytes > this.bytes.length) this.bytes = new Uint8Array(2 * (remaining + headerBytes));
    const target = this.bytes;
    target[0] = (publishPacket << typeBits) | (qos << qosBits) | (retain ? retainBit : 0);
    let at = writeVarint(target, 1, remaining);
    target.set(source.subarray(topicStart - lengthBytes, topicEnd), at);
    at += topicBytes;
    this.idAt = at;
    if (qos > 0) at += lengthBytes;
    target[at] = 0;
    if (isVersion5 && payloadStart > propertiesStart) target.set(source.subarray(propertiesStart, payloadStart), at);
    at += properties;
    target.set(source.subarray(payloadStart, end), at);
    this.length = at + end - payloadStart;
  }
}

export interface Connect {
  readonly isVersion5: boolean;
  readonly isClean: boolean;
  readonly clientId: string;
}

const text = new TextDecoder();
export const readText = (bytes: Uint8Array, at: number): string =>
  text.decode(bytes.subarray(at + lengthBytes, at + lengthBytes + readUint16(bytes, at)));

const version5 = 5;
const cleanBit = 2;

/** Protocol name, level, flags, keep-alive, properties, client id. */
export function readConnect(bytes: Uint8Array, body: number): Connect {
  const level = body + lengthBytes + readUint16(bytes, body);
  const isVersion5 = bytes[level] === version5;
  let at = level + 2 + lengthBytes;
  if (isVersion5) {
    readVarint(bytes, at);
    at = varint.next + varint.value;
  }
  return { isVersion5, isClean: ((bytes[level + 1] ?? 0) & cleanBit) !== 0, clientId: readText(bytes, at) };
}

export interface Subscribe {
  readonly packetId: number;
  readonly filters: readonly { readonly filter: string; readonly qos: number }[];
}

export function readSubscribe(bytes: Uint8Array, body: number, end: number, isVersion5: boolean): Subscribe {
  let at = body + lengthBytes;
  if (isVersion5) {
    readVarint(bytes, at);
    at = varint.next + varint.value;
  }
  const filters: { filter: string; qos: number }[] = [];
  while (at < end) {
    const filter = readText(bytes, at);
    at += lengthBytes + readUint16(bytes, at);
    filters.push({ filter, qos: (bytes[at++] ?? 0) & qosMask });
  }
  return { packetId: readUint16(bytes, body), filters };
}
