// MQTT packets by hand, built once. Nothing of the broker's codec is used, so that it cannot vouch for itself.

export type ProtocolVersion = 4 | 5;
export type QoS = 0 | 1 | 2;

/** First bytes [MQTT-2.1.2]; PUBREL and SUBSCRIBE have flags [MQTT-3.6.1-1] [MQTT-3.8.1-1]. */
export const firstByte = {
  connect: 0x10,
  publish: 0x30,
  puback: 0x40,
  pubrec: 0x50,
  pubrel: 0x62,
  pubcomp: 0x70,
  subscribe: 0x82,
  disconnect: 0xe0,
} as const;

/** Upper four bits of a packet's first byte. */
export const packetTypes = {
  connack: 2,
  publish: 3,
  puback: 4,
  pubrec: 5,
  pubrel: 6,
  pubcomp: 7,
  suback: 9,
  pingresp: 13,
  disconnect: 14,
} as const;

export const retainFlag = 0x01;
export const dupFlag = 0x08;
export const qosShift = 1;
export const qosBits = 0x03;

export interface Session {
  readonly clientId: string;
  readonly version: ProtocolVersion;
  readonly isClean: boolean;
  /** MQTT 5; MQTT 3 has a durable session where it is not clean. */
  readonly expirySec: number;
}

const cleanFlag = 0x02;
/** Longer than any run: nobody has to ping. */
const keepAliveSec = 1_200;
const expiryProperty = 0x11;

export function connectPacket({ clientId, version, isClean, expirySec }: Session): Uint8Array {
  const expiry = expirySec > 0 ? [expiryProperty, ...u32Bytes(expirySec)] : [];
  return packet(firstByte.connect, [
    ...text("MQTT"),
    version,
    isClean ? cleanFlag : 0,
    ...u16Bytes(keepAliveSec),
    ...(version === 5 ? [expiry.length, ...expiry] : []),
    ...text(clientId),
  ]);
}

export function subscribePacket(
  id: number,
  filters: readonly string[],
  qos: QoS,
  version: ProtocolVersion,
): Uint8Array {
  return packet(firstByte.subscribe, [
    ...u16Bytes(id),
    ...(version === 5 ? [0] : []),
    ...filters.flatMap((filter) => [...text(filter), qos]),
  ]);
}

export const disconnectPacket = new Uint8Array([firstByte.disconnect, 0]);

export interface PublishShape {
  readonly topic: string;
  readonly qos: QoS;
  readonly version: ProtocolVersion;
  readonly isRetained: boolean;
  readonly payload: Uint8Array;
}

export interface PublishTemplate {
  readonly bytes: Uint8Array;
  /** Where the packet id goes; only with QoS 1 and 2. */
  readonly idAt: number;
  readonly payloadAt: number;
}

export function publishTemplate({ topic, qos, version, isRetained, payload }: PublishShape): PublishTemplate {
  const first = firstByte.publish | (qos << qosShift) | (isRetained ? retainFlag : 0);
  const id = qos > 0 ? [0, 0] : [];
  const properties = version === 5 ? [0] : [];
  const bytes = packet(first, [...text(topic), ...id, ...properties, ...payload]);
  const payloadAt = bytes.length - payload.length;
  return { bytes, idAt: payloadAt - properties.length - id.length, payloadAt };
}

const moreBit = 0x80;
const bitsPerLengthByte = 7;

function packet(first: number, body: readonly number[]): Uint8Array {
  const length: number[] = [];
  let left = body.length;
  do {
    const byte = left % moreBit;
    left >>>= bitsPerLengthByte;
    length.push(left > 0 ? byte | moreBit : byte);
  } while (left > 0);
  return new Uint8Array([first, ...length, ...body]);
}

function text(value: string): number[] {
  const bytes = Buffer.from(value);
  return [...u16Bytes(bytes.length), ...bytes];
}

function u16Bytes(value: number): number[] {
  return [value >>> 8, value & 0xff];
}

function u32Bytes(value: number): number[] {
  return [...u16Bytes(value >>> 16), ...u16Bytes(value & 0xffff)];
}
