// Packets of a client as bytes, and what a hostile one makes of them.

import { Buffer } from "node:buffer";
import { generate, type IConnectPacket, type Packet } from "mqtt-packet";
import type { ProtocolVersion } from "../../src/core/packet.ts";

type Random = (below: number) => number;

/** Topics short and long, with pairs of properties that repeat: what the codec has a rule for. */
const messageProperties = {
  payloadFormatIndicator: true,
  messageExpiryInterval: 3,
  contentType: "text/plain",
  responseTopic: "re/1",
  correlationData: Buffer.from([1, 2, 3]),
  userProperties: { name: ["one", "two"], other: "" },
};

const topics = ["t/a", "t/b", "long/topic/name", "$SYS/no"];
const filters = ["t/#", "+/a", "#", "t/b", "$share/g/t/#"];

export function connectBytes(version: ProtocolVersion, clientId: string, random: Random): Uint8Array {
  const isV5 = version === 5;
  const packet: IConnectPacket = {
    cmd: "connect",
    protocolId: version === 3 ? "MQIsdp" : "MQTT",
    protocolVersion: version,
    clientId,
    clean: random(2) === 0,
    keepalive: 0,
    ...(random(2) === 0 && {
      will: {
        topic: "t/will",
        payload: Buffer.from("gone"),
        qos: random(3) as 0 | 1 | 2,
        retain: random(4) === 0,
        ...(isV5 && { properties: { willDelayInterval: random(3), ...messageProperties } }),
      },
    }),
    ...(isV5 && {
      properties: {
        sessionExpiryInterval: random(2) * 100,
        receiveMaximum: 1 + random(5),
        topicAliasMaximum: random(4),
        requestProblemInformation: random(2) === 0,
        ...(random(3) === 0 && { maximumPacketSize: 20 + random(80) }),
      },
    }),
  };
  return bytesOf(packet, version);
}

/** Any packet of a client that is connected. */
export function requestBytes(version: ProtocolVersion, random: Random): Uint8Array {
  const pick = <Type>(...choices: Type[]): Type => choices[random(choices.length)] as Type;
  const qos = random(3) as 0 | 1 | 2;
  const messageId = 1 + random(12);
  const properties = version === 5 && random(2) === 0;
  switch (random(9)) {
    case 0:
    case 1:
    case 2: {
      const topicAlias = random(2) === 0 ? { topicAlias: random(5) } : {};
      const more = properties ? { properties: { ...messageProperties, ...topicAlias } } : {};
      const payload = "x".repeat(random(90));
      return bytesOf(
        {
          cmd: "publish",
          topic: pick(...topics),
          payload,
          qos,
          messageId,
          dup: false,
          retain: random(4) === 0,
          ...more,
        },
        version,
      );
    }
    case 3:
    case 4: {
      const subscription = { topic: pick(...filters), qos, nl: random(3) === 0, rap: random(2) === 0, rh: random(3) };
      const more = properties ? { properties: { subscriptionIdentifier: 1 + random(300) } } : {};
      return bytesOf({ cmd: "subscribe", messageId, subscriptions: [subscription], ...more }, version);
    }
    case 5:
      return bytesOf({ cmd: "unsubscribe", messageId, unsubscriptions: [pick(...filters)] }, version);
    case 6:
      return bytesOf({ cmd: pick("pingreq", "disconnect") }, version);
    default: {
      const cmd = pick("puback", "pubrec", "pubrel", "pubcomp");
      const reasonCode = version === 5 && cmd === "pubrec" && random(2) === 0 ? 0x80 : 0;
      return bytesOf({ cmd, messageId, reasonCode }, version);
    }
  }
}

const bytesOf = (packet: Packet, protocolVersion: ProtocolVersion): Uint8Array =>
  new Uint8Array(generate(packet, { protocolVersion }));

const shortLength = 0x80;

/** One change of a packet: in most cases with a remaining length that fits again, so that the rest is read at all. */
export function mutated(bytes: Uint8Array, random: Random): Uint8Array {
  const at = random(bytes.length);
  const list = [...bytes];
  const before = list.length;
  switch (random(5)) {
    case 0:
      list[at] = random(256);
      break;
    case 1:
      list[at] = (list[at] as number) ^ (1 << random(8));
      break;
    case 2:
      list.splice(at, 1 + random(4));
      break;
    case 3:
      list.splice(at, 0, ...list.slice(at, at + 1 + random(12)));
      break;
    default:
      list.splice(at, 0, random(256));
  }
  const remaining = list.length - 2;
  const isOneByte = (bytes[1] as number) < shortLength;
  if (list.length !== before && isOneByte && remaining >= 0 && remaining < shortLength && random(4) > 0) {
    list[1] = remaining;
  }
  return Uint8Array.from(list);
}
