// The packets of MQTT 3.1, 3.1.1 and 5.0 as the core sees them. Field names are the standard's; `codec/` translates.

import type { PacketId, TopicName } from "./brand.ts";
import type { ConnackReturnCode, ReasonCode } from "./reason-code.ts";

/** The protocol level of CONNECT: 3 is MQTT 3.1 (`MQIsdp`), 4 is 3.1.1, 5 is 5.0. */
export type ProtocolVersion = 3 | 4 | 5;
export type QoS = 0 | 1 | 2;
export type UserProperties = readonly (readonly [name: string, value: string])[];

/** MQTT 5 properties that travel with an application message (PUBLISH §3.3.2.3, will §3.1.3.2). */
export interface MessageProperties {
  readonly payloadFormatIndicator?: 0 | 1;
  /** Seconds, as received. The core turns it into a deadline. */
  readonly messageExpiryIntervalSec?: number;
  readonly contentType?: string;
  readonly responseTopic?: string;
  readonly correlationData?: Uint8Array;
  readonly userProperties?: UserProperties;
}

export interface Will {
  readonly topicName: string;
  readonly payload: Uint8Array;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly properties?: MessageProperties;
  readonly willDelayIntervalSec?: number;
}

export interface ConnectProperties {
  readonly sessionExpiryIntervalSec?: number;
  readonly receiveMaximum?: number;
  readonly maximumPacketSize?: number;
  readonly topicAliasMaximum?: number;
  readonly requestResponseInformation?: boolean;
  readonly requestProblemInformation?: boolean;
  readonly userProperties?: UserProperties;
  readonly authenticationMethod?: string;
  readonly authenticationData?: Uint8Array;
}

export interface Connect {
  readonly kind: "connect";
  readonly protocolVersion: ProtocolVersion;
  readonly clientId: string;
  /** Clean Session (v3) or Clean Start (v5). */
  readonly cleanStart: boolean;
  readonly keepAliveSec: number;
  readonly will?: Will;
  readonly username?: string;
  readonly password?: Uint8Array;
  readonly properties?: ConnectProperties;
}

export interface Publish {
  readonly kind: "publish";
  readonly dup: boolean;
  readonly qos: QoS;
  readonly retain: boolean;
  /** Empty only in MQTT 5 with a topic alias. Not checked beyond UTF-8 by the codec. */
  readonly topicName: string;
  /** Present exactly when qos > 0. */
  readonly packetId?: PacketId;
  readonly payload: Uint8Array;
  readonly properties?: MessageProperties & {
    readonly topicAlias?: number;
    readonly subscriptionIdentifiers?: readonly number[];
  };
}

export interface AckProperties {
  readonly reasonString?: string;
  readonly userProperties?: UserProperties;
}

/** PUBACK, PUBREC, PUBREL and PUBCOMP have one shape. */
export interface Acknowledgement {
  readonly kind: "puback" | "pubrec" | "pubrel" | "pubcomp";
  readonly packetId: PacketId;
  /** v5; absent means success. */
  readonly reasonCode?: ReasonCode;
  readonly properties?: AckProperties;
}

export interface SubscriptionRequest {
  /** As received, with `$share/…` where it has it. Not checked beyond UTF-8 by the codec. */
  readonly topicFilter: string;
  readonly qos: QoS;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  readonly retainHandling: 0 | 1 | 2;
}

export interface Subscribe {
  readonly kind: "subscribe";
  readonly packetId: PacketId;
  readonly subscriptions: readonly SubscriptionRequest[];
  readonly properties?: {
    readonly subscriptionIdentifier?: number;
    readonly userProperties?: UserProperties;
  };
}

export interface Unsubscribe {
  readonly kind: "unsubscribe";
  readonly packetId: PacketId;
  readonly topicFilters: readonly string[];
  readonly properties?: { readonly userProperties?: UserProperties };
}

export interface Pingreq {
  readonly kind: "pingreq";
}

export interface Disconnect {
  readonly kind: "disconnect";
  readonly reasonCode?: ReasonCode;
  readonly properties?: AckProperties & {
    readonly sessionExpiryIntervalSec?: number;
    readonly serverReference?: string;
  };
}

export interface Auth {
  readonly kind: "auth";
  readonly reasonCode: ReasonCode;
  readonly properties?: AckProperties & {
    readonly authenticationMethod?: string;
    readonly authenticationData?: Uint8Array;
  };
}

/** What a client may send. */
export type ClientPacket = Connect | Publish | Acknowledgement | Subscribe | Unsubscribe | Pingreq | Disconnect | Auth;

export interface ConnackProperties {
  readonly sessionExpiryIntervalSec?: number;
  readonly receiveMaximum?: number;
  readonly maximumQos?: 0 | 1;
  readonly retainAvailable?: boolean;
  readonly maximumPacketSize?: number;
  readonly assignedClientIdentifier?: string;
  readonly topicAliasMaximum?: number;
  readonly reasonString?: string;
  readonly userProperties?: UserProperties;
  readonly wildcardSubscriptionAvailable?: boolean;
  readonly subscriptionIdentifiersAvailable?: boolean;
  readonly sharedSubscriptionAvailable?: boolean;
  readonly serverKeepAliveSec?: number;
  readonly responseInformation?: string;
  readonly serverReference?: string;
  readonly authenticationMethod?: string;
  readonly authenticationData?: Uint8Array;
}

export interface Connack {
  readonly kind: "connack";
  readonly sessionPresent: boolean;
  /** A return code for v3 clients, a reason code for v5 ones. */
  readonly code: ConnackReturnCode | ReasonCode;
  readonly properties?: ConnackProperties;
}

export interface Suback {
  readonly kind: "suback";
  readonly packetId: PacketId;
  /** One per filter: 0–2 granted, ≥ 0x80 refused (v3: 0x80 only). */
  readonly reasonCodes: readonly number[];
  readonly properties?: AckProperties;
}

export interface Unsuback {
  readonly kind: "unsuback";
  readonly packetId: PacketId;
  /** v5 only; v3 has none on the wire. */
  readonly reasonCodes: readonly number[];
  readonly properties?: AckProperties;
}

export interface Pingresp {
  readonly kind: "pingresp";
}

/** What a server may send, but for PUBLISH on its hot path. */
export type ServerPacket = Connack | Publish | Acknowledgement | Suback | Unsuback | Pingresp | Disconnect | Auth;

/** An application message on its way through the broker. */
export interface Message {
  readonly topicName: TopicName;
  readonly payload: Uint8Array;
  /** QoS of the PUBLISH that brought it. */
  readonly qos: QoS;
  /** RETAIN flag of the PUBLISH that brought it. */
  readonly retain: boolean;
  readonly properties?: MessageProperties;
  /** Deadline from Message Expiry Interval (epoch ms). */
  readonly expiresAtMs?: number;
}
