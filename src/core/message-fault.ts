// What a message, of a PUBLISH or a will, may not ask of this server, or say of itself.

import type { Features } from "./features.ts";
import type { MessageProperties, QoS } from "./packet.ts";
import { reasonCode } from "./reason-code.ts";
import { refused, type Violation } from "./violation.ts";

export interface JudgedMessage {
  readonly qos: QoS;
  readonly retain: boolean;
  readonly payload: Uint8Array;
  readonly properties?: MessageProperties;
}

/** The first thing that is wrong. */
export const messageFault = (features: Features, message: JudgedMessage): Violation | undefined =>
  featureFault(features, message) ?? formatFault(features, message);

/** What CONNACK said is not available. */
export function featureFault(features: Features, { qos, retain }: JudgedMessage): Violation | undefined {
  if (qos > features.maximumQos) {
    return refused(reasonCode.qosNotSupported, `QoS ${qos} is not available`, "MQTT-3.2.2-11"); // wills: [MQTT-3.2.2-12]
  }
  if (retain && !features.retainAvailable) {
    return refused(reasonCode.retainNotSupported, "retained messages are not available", "MQTT-3.2.2-14"); // [MQTT-3.2.2-13]
  }
  return undefined;
}

/** A payload that says it is UTF-8 and is not, where the server looks (§3.3.2.3.2). */
export function formatFault(features: Features, { payload, properties }: JudgedMessage): Violation | undefined {
  if (!features.validatePayloadFormat || properties?.payloadFormatIndicator !== 1 || isUtf8(payload)) return undefined;
  return refused(reasonCode.payloadFormatInvalid, "the payload is not UTF-8");
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}
