// MQTT 5 properties (§2.2.2): which there are, of what type and range, and in which packets a client may send them.
// One row says everything about a property; reading, writing and the names that `mqtt-packet` uses all come from here.

import type {
  AckProperties,
  Auth,
  ConnackProperties,
  ConnectProperties,
  Disconnect,
  Publish,
  Subscribe,
} from "../core/packet.ts";
import { reasonCode, type ReasonCode } from "../core/reason-code.ts";

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
  /** What a client may put it into; the rest is malformed. Empty for those that only servers send. */
  readonly places: readonly PropertyPlace[];
  /** `mqtt-packet`'s name where it differs from ours. */
  readonly libraryName?: string;
  /** Values that the type can carry and the standard forbids. */
  readonly zeroIs?: ReasonCode;
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
const zeroIs = reasonCode.protocolError;

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
  { id: 0x08, name: "responseTopic", type: "string", places: ["will", "publish"] },
  { id: 0x09, name: "correlationData", type: "binary", places: ["will", "publish"] },
  { id: 0x0b, name: "subscriptionIdentifier", type: "varint", places: ["subscribe"], zeroIs },
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
  { id: 0x1c, name: "serverReference", type: "string", places: [] },
  { id: 0x1f, name: "reasonString", type: "string", places: ["acknowledgement", "disconnect", "auth"] },
  { id: 0x21, name: "receiveMaximum", type: "uint16", places: ["connect"], zeroIs },
  { id: 0x22, name: "topicAliasMaximum", type: "uint16", places: ["connect"] },
  { id: 0x23, name: "topicAlias", type: "uint16", places: ["publish"], zeroIs: reasonCode.topicAliasInvalid },
  { id: 0x24, name: "maximumQos", type: "bit", places: [], libraryName: "maximumQoS" },
  { id: 0x25, name: "retainAvailable", type: "flag", places: [] },
  { id: 0x26, name: "userProperties", type: "pair", places: everywhere },
  { id: 0x27, name: "maximumPacketSize", type: "uint32", places: ["connect"], zeroIs },
  { id: 0x28, name: "wildcardSubscriptionAvailable", type: "flag", places: [] },
  { id: 0x29, name: "subscriptionIdentifiersAvailable", type: "flag", places: [] },
  { id: 0x2a, name: "sharedSubscriptionAvailable", type: "flag", places: [] },
];

export const propertyRowById: ReadonlyMap<number, PropertyRow> = new Map(propertyRows.map((row) => [row.id, row]));
export const propertyRowByName: ReadonlyMap<string, PropertyRow> = new Map(propertyRows.map((row) => [row.name, row]));
