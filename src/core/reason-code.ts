// The reason codes of MQTT 5.0 §2.4, under their names in the standard, and what MQTT 3 can say of them.

export const reasonCode = {
  success: 0x00,
  grantedQos1: 0x01,
  grantedQos2: 0x02,
  disconnectWithWill: 0x04,
  noMatchingSubscribers: 0x10,
  noSubscriptionExisted: 0x11,
  continueAuthentication: 0x18,
  reAuthenticate: 0x19,
  unspecifiedError: 0x80,
  malformedPacket: 0x81,
  protocolError: 0x82,
  implementationSpecificError: 0x83,
  unsupportedProtocolVersion: 0x84,
  clientIdentifierNotValid: 0x85,
  badUserNameOrPassword: 0x86,
  notAuthorized: 0x87,
  serverUnavailable: 0x88,
  serverBusy: 0x89,
  banned: 0x8a,
  serverShuttingDown: 0x8b,
  badAuthenticationMethod: 0x8c,
  keepAliveTimeout: 0x8d,
  sessionTakenOver: 0x8e,
  topicFilterInvalid: 0x8f,
  topicNameInvalid: 0x90,
  packetIdentifierInUse: 0x91,
  packetIdentifierNotFound: 0x92,
  receiveMaximumExceeded: 0x93,
  topicAliasInvalid: 0x94,
  packetTooLarge: 0x95,
  messageRateTooHigh: 0x96,
  quotaExceeded: 0x97,
  administrativeAction: 0x98,
  payloadFormatInvalid: 0x99,
  retainNotSupported: 0x9a,
  qosNotSupported: 0x9b,
  useAnotherServer: 0x9c,
  serverMoved: 0x9d,
  sharedSubscriptionsNotSupported: 0x9e,
  connectionRateExceeded: 0x9f,
  maximumConnectTime: 0xa0,
  subscriptionIdentifiersNotSupported: 0xa1,
  wildcardSubscriptionsNotSupported: 0xa2,
} as const;

export type ReasonCodeName = keyof typeof reasonCode;
export type ReasonCode = (typeof reasonCode)[ReasonCodeName];

/** CONNACK return codes of MQTT 3.1 and 3.1.1 (§3.2.2.3 v3.1.1). */
export const connackReturnCode = {
  accepted: 0,
  unacceptableProtocolVersion: 1,
  identifierRejected: 2,
  serverUnavailable: 3,
  badUserNameOrPassword: 4,
  notAuthorized: 5,
} as const;

export type ConnackReturnCode = (typeof connackReturnCode)[keyof typeof connackReturnCode];

/** The v3 return code that says the most of what `code` says; `undefined` where v3 closes without a CONNACK. */
export function toConnackReturnCode(code: ReasonCode): ConnackReturnCode | undefined {
  switch (code) {
    case reasonCode.success:
      return connackReturnCode.accepted;
    case reasonCode.unsupportedProtocolVersion:
      return connackReturnCode.unacceptableProtocolVersion;
    case reasonCode.clientIdentifierNotValid:
      return connackReturnCode.identifierRejected;
    case reasonCode.serverUnavailable:
    case reasonCode.serverBusy:
    case reasonCode.serverShuttingDown:
    case reasonCode.quotaExceeded:
    case reasonCode.useAnotherServer:
    case reasonCode.serverMoved:
    case reasonCode.connectionRateExceeded:
      return connackReturnCode.serverUnavailable;
    case reasonCode.badUserNameOrPassword:
    case reasonCode.badAuthenticationMethod:
      return connackReturnCode.badUserNameOrPassword;
    case reasonCode.notAuthorized:
    case reasonCode.banned:
      return connackReturnCode.notAuthorized;
    default:
      return undefined;
  }
}

/** What a CONNACK may say (§3.2.2.2). */
const ofConnack: ReadonlySet<ReasonCode> = new Set([
  reasonCode.success,
  reasonCode.unspecifiedError,
  reasonCode.malformedPacket,
  reasonCode.protocolError,
  reasonCode.implementationSpecificError,
  reasonCode.unsupportedProtocolVersion,
  reasonCode.clientIdentifierNotValid,
  reasonCode.badUserNameOrPassword,
  reasonCode.notAuthorized,
  reasonCode.serverUnavailable,
  reasonCode.serverBusy,
  reasonCode.banned,
  reasonCode.badAuthenticationMethod,
  reasonCode.topicNameInvalid,
  reasonCode.packetTooLarge,
  reasonCode.quotaExceeded,
  reasonCode.payloadFormatInvalid,
  reasonCode.retainNotSupported,
  reasonCode.qosNotSupported,
  reasonCode.useAnotherServer,
  reasonCode.serverMoved,
  reasonCode.connectionRateExceeded,
]);

/** A packet that came before its time may break any rule; CONNACK knows fewer codes [MQTT-3.2.2-8]. */
export const toConnackReasonCode = (code: ReasonCode): ReasonCode =>
  ofConnack.has(code) ? code : reasonCode.protocolError;

/** Reason codes that a DISCONNECT does not have (§3.14.2.1), and what comes nearest [MQTT-3.14.2-1]. */
const notOfDisconnect: ReadonlyMap<ReasonCode, ReasonCode> = new Map<ReasonCode, ReasonCode>([
  [reasonCode.unsupportedProtocolVersion, reasonCode.protocolError],
  [reasonCode.clientIdentifierNotValid, reasonCode.protocolError],
  [reasonCode.badUserNameOrPassword, reasonCode.notAuthorized],
  [reasonCode.serverUnavailable, reasonCode.serverBusy],
  [reasonCode.banned, reasonCode.notAuthorized],
  [reasonCode.badAuthenticationMethod, reasonCode.protocolError],
  [reasonCode.packetIdentifierInUse, reasonCode.protocolError],
  [reasonCode.packetIdentifierNotFound, reasonCode.protocolError],
]);

export const toDisconnectReasonCode = (code: ReasonCode): ReasonCode => notOfDisconnect.get(code) ?? code;
