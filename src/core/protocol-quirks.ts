// What differs between the versions of the protocol, in one table.

import type { ProtocolVersion } from "./packet.ts";

export interface ProtocolQuirks {
  /** A client id of no bytes: refused, taken with Clean Session 1 only, or always given one by the broker. */
  readonly emptyClientId: "refused" | "if-clean" | "assigned";
  /** CONNACK has the Session Present flag. */
  readonly hasSessionPresent: boolean;
  /** CONNACK, DISCONNECT and acknowledgements can tell the client why. */
  readonly hasReasonCodes: boolean;
  /** How long a session is kept is a property, of CONNECT and DISCONNECT; else Clean Session decides. */
  readonly hasSessionExpiry: boolean;
  /** CONNACK tells how many PUBLISH packets of QoS 1 and 2 may wait for their answer. */
  readonly hasReceiveMaximum: boolean;
  /** CONNACK can tell the client which keep-alive to use. */
  readonly hasServerKeepAlive: boolean;
  /** SUBACK's answer to a filter that is refused; `undefined`: its own reason code. */
  readonly subscribeFailure: number | undefined;
}

const v31: ProtocolQuirks = {
  emptyClientId: "refused", // 3.1: between 1 and 23 characters; longer ones are taken, as everywhere
  hasSessionPresent: false,
  hasReasonCodes: false,
  hasSessionExpiry: false,
  hasReceiveMaximum: false,
  hasServerKeepAlive: false,
  subscribeFailure: 0x80, // 3.1 knows no failure; every 3.1 client in use understands 3.1.1's
};

const v311: ProtocolQuirks = {
  emptyClientId: "if-clean", // [MQTT-3.1.3-7 v3.1.1]
  hasSessionPresent: true,
  hasReasonCodes: false,
  hasSessionExpiry: false,
  hasReceiveMaximum: false,
  hasServerKeepAlive: false,
  subscribeFailure: 0x80, // [MQTT-3.9.3-2 v3.1.1]
};

const v5: ProtocolQuirks = {
  emptyClientId: "assigned", // [MQTT-3.1.3-6]
  hasSessionPresent: true,
  hasReasonCodes: true,
  hasSessionExpiry: true,
  hasReceiveMaximum: true,
  hasServerKeepAlive: true,
  subscribeFailure: undefined,
};

const byVersion = { 3: v31, 4: v311, 5: v5 } as const satisfies Record<ProtocolVersion, ProtocolQuirks>;

export const quirksOf = (version: ProtocolVersion): ProtocolQuirks => byVersion[version];
