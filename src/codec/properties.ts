// MQTT 5 properties (§2.2.2): which there are, of what type and range, and in which packets a client may send them.
// One row says everything about a property; reading, writing and the names that `mqtt-packet` uses all come from here.
// A property in a packet that the standard's table 2-4 does not give it makes the packet malformed (§2.2.2.2); where the
// table does and only a server may send it, or the value is not allowed, it is a protocol error (§4.13).

import type {
  AckProperties,
  Auth,
  ConnackProperties,
  ConnectProperties,
  Disconnect,
  Publish,
  Subscribe,
} from "../core/packet.ts";
import { reasonCode } from "../core/reason-code.ts";
import { protocolError, refused, type Violation } from "../core/violation.ts";

/** Where a client's properties stand: the packet, or the will inside CONNECT. */
export type PropertyPlace =
  | "connect"
  | "will"
  | "publish"
  | "acknowledgement"
  | "subscribe"
  | "unsubscribe"
  | "disconnect"
  | "auth";

export type PropertyType = "bit" | "flag" | "uint16" | "uint32" | "varint" | "string" | "binary" | "pair";

type Defined<T> = Exclude<T, undefined>;
type EveryProperty = AckProperties &
  ConnackProperties &
  ConnectProperties &
  Defined<Auth["properties"]> &
  Defined<Disconnect["properties"]> &
  Defined<Publish["properties"]> &
  Defined<Subscribe["properties"]> & { readonly willDelayIntervalSec?: number };

/** Any property of any packet, under our name. A reader fills it with those that the place allows. */
export type Properties = { -readonly [Name in keyof EveryProperty]: EveryProperty[Name] };
export type PropertyName = keyof Properties;

export interface PropertyRow {
  readonly id: number;
  readonly name: PropertyName;
  readonly type: PropertyType;
  /** What a client may put it into. Empty for those that only servers send. */
  readonly places: readonly PropertyPlace[];
  /** Where only a server may put it, though packets of this type come from both. */
  readonly fromServer?: { readonly place: PropertyPlace; readonly violation: Violation };
  /** `mqtt-packet`'s name where it differs from ours. */
  readonly libraryName?: string;
  /** What 0 is, a value that the type can carry and the standard forbids. */
  readonly zeroIs?: Violation;
  /** What a string must not be. */
  readonly judge?: (text: string) => Violation | undefined;
}

const everywhere: readonly PropertyPlace[] = [
  "connect",
  "will",
  "publish",
  "acknowledgement",
  "subscribe",
  "unsubscribe",
  "disconnect",
  "auth",
];
/** It is a topic name: at least one character, no wildcard. */
function judgeResponseTopic(name: string): Violation | undefined {
  if (name === "") return protocolError("an empty response topic", "MQTT-4.7.3-1");
  return /[+#]/u.test(name) ? protocolError("a wildcard in the response topic", "MQTT-3.3.2-14") : undefined;
}

const zero = (name: string): Violation => protocolError(`${name} is 0`);

const propertyRows: readonly PropertyRow[] = [
  { id: 0x01, name: "payloadFormatIndicator", type: "bit", places: ["will", "publish"] },
  {
    id: 0x02,
    name: "messageExpiryIntervalSec",
    type: "uint32",
    places: ["will", "publish"],
    libraryName: "messageExpiryInterval",
  },
  { id: 0x03, name: "contentType", type: "string", places: ["will", "publish"] },
  {
    id: 0x08,
    name: "responseTopic",
    type: "string",
    places: ["will", "publish"],
    judge: judgeResponseTopic,
  },
  { id: 0x09, name: "correlationData", type: "binary", places: ["will", "publish"] },
  {
    id: 0x0b,
    name: "subscriptionIdentifier",
    type: "varint",
    places: ["subscribe"],
    fromServer: {
      place: "publish",
      violation: protocolError("a client's PUBLISH with a subscription identifier", "MQTT-3.3.4-6"),
    },
    zeroIs: zero("subscriptionIdentifier"), // §3.8.2.1.2
  },
  {
    id: 0x11,
    name: "sessionExpiryIntervalSec",
    type: "uint32",
    places: ["connect", "disconnect"],
    libraryName: "sessionExpiryInterval",
  },
  { id: 0x12, name: "assignedClientIdentifier", type: "string", places: [] },
  { id: 0x13, name: "serverKeepAliveSec", type: "uint16", places: [], libraryName: "serverKeepAlive" },
  { id: 0x15, name: "authenticationMethod", type: "string", places: ["connect", "auth"] },
  { id: 0x16, name: "authenticationData", type: "binary", places: ["connect", "auth"] },
  { id: 0x17, name: "requestProblemInformation", type: "flag", places: ["connect"] },
  { id: 0x18, name: "willDelayIntervalSec", type: "uint32", places: ["will"], libraryName: "willDelayInterval" },
  { id: 0x19, name: "requestResponseInformation", type: "flag", places: ["connect"] },
  { id: 0x1a, name: "responseInformation", type: "string", places: [] },
  {
    id: 0x1c,
    name: "serverReference",
    type: "string",
    places: [],
    // §3.14.2.2.5: it goes with reason codes that only a server uses.
    fromServer: { place: "disconnect", violation: protocolError("a client's DISCONNECT with a server reference") },
  },
  { id: 0x1f, name: "reasonString", type: "string", places: ["acknowledgement", "disconnect", "auth"] },
  { id: 0x21, name: "receiveMaximum", type: "uint16", places: ["connect"], zeroIs: zero("receiveMaximum") }, // §3.1.2.11.3
  { id: 0x22, name: "topicAliasMaximum", type: "uint16", places: ["connect"] },
  {
    id: 0x23,
    name: "topicAlias",
    type: "uint16",
    places: ["publish"],
    zeroIs: refused(reasonCode.topicAliasInvalid, "topicAlias is 0", "MQTT-3.3.2-8"),
  },
  { id: 0x24, name: "maximumQos", type: "bit", places: [], libraryName: "maximumQoS" },
  { id: 0x25, name: "retainAvailable", type: "flag", places: [] },
  { id: 0x26, name: "userProperties", type: "pair", places: everywhere },
  // §3.1.2.11.4
  { id: 0x27, name: "maximumPacketSize", type: "uint32", places: ["connect"], zeroIs: zero("maximumPacketSize") },
  { id: 0x28, name: "wildcardSubscriptionAvailable", type: "flag", places: [] },
  { id: 0x29, name: "subscriptionIdentifiersAvailable", type: "flag", places: [] },
  { id: 0x2a, name: "sharedSubscriptionAvailable", type: "flag", places: [] },
];

export const propertyRowById: ReadonlyMap<number, PropertyRow> = new Map(propertyRows.map((row) => [row.id, row]));
export const propertyRowByName: ReadonlyMap<string, PropertyRow> = new Map(propertyRows.map((row) => [row.name, row]));
