// What a server of MQTT 5 may or may not offer, and says so in CONNACK (§3.2.2.3). `config.ts` reads each from the
// variable of the same name.

import type { QoS } from "./packet.ts";

export interface Features {
  readonly maximumQos: QoS;
  readonly retainAvailable: boolean;
  readonly wildcardSubscriptionAvailable: boolean;
  readonly subscriptionIdentifiersAvailable: boolean;
  readonly sharedSubscriptionAvailable: boolean;
  /** Whether a payload that says it is UTF-8 is looked at (§3.3.2.3.2). */
  readonly validatePayloadFormat: boolean;
  /** For clients that ask for it; `${clientid}` stands for theirs (§3.2.2.3.15). */
  readonly responseInformation?: string;
  /** Every client is sent away (§4.11). */
  readonly elsewhere?: {
    readonly kind: "use-another-server" | "server-moved";
    readonly serverReference: string;
  };
}

/** Those that are on or off. */
export type FeatureSwitch = {
  [Name in keyof Features]-?: Features[Name] extends boolean ? Name : never;
}[keyof Features];

export const defaultFeatures: Features = {
  maximumQos: 2,
  retainAvailable: true,
  wildcardSubscriptionAvailable: true,
  subscriptionIdentifiersAvailable: true,
  sharedSubscriptionAvailable: true,
  validatePayloadFormat: false,
};
