// Enhanced authentication (MQTT 5.0 §4.12) without a memory: each step is a call, and what the next one must know
// travels in `state`, which only the shard sees. The one method is SCRAM-SHA-256.
//
// Reason codes: 0x8C for a method that is not served; 0x86 for a wrong proof, as for a wrong password; 0x87 for text
// that breaks SCRAM's rules, because the packet around it is sound (0x81 and 0x82 speak of MQTT's own rules) and because
// 0x87 exists in CONNACK and DISCONNECT alike; 0x97 for more data than we take.

import { fail, ok, type Result } from "../core/brand.ts";
import type { ProtocolVersion } from "../core/packet.ts";
import { reasonCode } from "../core/reason-code.ts";
import { findCredential } from "./scram-credential.ts";
import {
  findMismatch,
  formatServerFirst,
  isServerNonce,
  makeServerNonce,
  parseClientFinal,
  parseClientFirst,
  verifyProof,
  type ClientFirst,
} from "./scram.ts";
import type { User } from "./users.ts";

/**
 * What a client said with a method: CONNECT at the first step, AUTH after it. The user name and password of its CONNECT
 * are no part of it: where there is a method, it alone decides. It crosses an RPC: fields are added, never renamed.
 */
export interface ExchangeRequest {
  readonly namespace: string;
  readonly clientId: string;
  readonly protocolVersion: ProtocolVersion;
  readonly method: string;
  readonly data?: Uint8Array;
  /** What the step before gave; absent at the first. */
  readonly state?: Uint8Array;
  /** Re-authentication: the user must stay this one. */
  readonly username?: string;
}

export type ExchangeVerdict =
  | { readonly kind: "continue"; readonly data: Uint8Array; readonly state: Uint8Array }
  | { readonly kind: "allow"; readonly username?: string; readonly data?: Uint8Array }
  | { readonly kind: "refuse"; readonly reasonCode: ExchangeRefusalCode; readonly detail: string };

type ExchangeRefusalCode =
  | typeof reasonCode.badAuthenticationMethod
  | typeof reasonCode.badUserNameOrPassword
  | typeof reasonCode.notAuthorized
  | typeof reasonCode.quotaExceeded
  | typeof reasonCode.serverUnavailable
  /** For 0x88 where the client is connected already. */
  | typeof reasonCode.serverBusy;

export interface ExchangeConfig {
  readonly users: readonly User[];
  /** Gives what fakes salts (scram-credential.ts): random, the same for the whole deployment and for long. */
  readonly secret: () => Promise<Uint8Array<ArrayBuffer>>;
}

const scramMethod = "SCRAM-SHA-256";
/** Of one step. A stranger's data is held and signed before it is known who sent it; real ones have about 100 bytes. */
const mostDataBytes = 1024;
/** The first line of a state. */
const stateVersion = "1";

/** Judges one step. Never rejects: what fails in here is a server that is unavailable, not a wrong password. */
export async function exchange(
  config: ExchangeConfig,
  request: ExchangeRequest,
  makeNonce: () => string = makeServerNonce,
): Promise<ExchangeVerdict> {
  try {
    return await judge(config, request, makeNonce);
  } catch {
    return refuse(request, reasonCode.serverUnavailable, "the exchange failed");
  }
}

/** DISCONNECT, which ends a re-authentication, has no 0x86 and no 0x88 (§3.14.2.1): 0x87 and 0x89 are the nearest. */
export function refuse(
  { username }: Pick<ExchangeRequest, "username">,
  code: ExchangeRefusalCode,
  detail: string,
): ExchangeVerdict {
  const isConnected = username !== undefined;
  switch (code) {
    case reasonCode.badUserNameOrPassword:
      return { kind: "refuse", reasonCode: isConnected ? reasonCode.notAuthorized : code, detail };
    case reasonCode.serverUnavailable:
      return { kind: "refuse", reasonCode: isConnected ? reasonCode.serverBusy : code, detail };
    default:
      return { kind: "refuse", reasonCode: code, detail };
  }
}

async function judge(
  config: ExchangeConfig,
  request: ExchangeRequest,
  makeNonce: () => string,
): Promise<ExchangeVerdict> {
  if (request.method !== scramMethod || config.users.length === 0) {
    return refuse(request, reasonCode.badAuthenticationMethod, "the authentication method is not served"); // [MQTT-4.12.0-1]
  }
  const { data = new Uint8Array(), state } = request;
  if (data.length > mostDataBytes) {
    return refuse(request, reasonCode.quotaExceeded, `authentication data over ${mostDataBytes} bytes`);
  }
  // SCRAM is for the client to begin; one that only named the method is asked to.
  if (state === undefined && data.length === 0) return { kind: "continue", data, state: encodeText(stateVersion) };
  const step = state === undefined ? ok({ kind: "first" } as const) : readState(state);
  // The shard gives back what it got, so a state that cannot be read is from another version of this code.
  if (!step.ok) return refuse(request, reasonCode.serverUnavailable, step.error);
  const text = decodeText(data);
  if (text === undefined) return refuse(request, reasonCode.notAuthorized, "authentication data is not a line of text");
  return step.value.kind === "first"
    ? onClientFirst(config, request, text, makeNonce())
    : onClientFinal(config, request, text, step.value);
}

/** client-first in, server-first out. */
async function onClientFirst(
  { users, secret }: ExchangeConfig,
  request: ExchangeRequest,
  text: string,
  serverNonce: string,
): Promise<ExchangeVerdict> {
  const first = parseClientFirst(text);
  if (!first.ok) return refuse(request, reasonCode.notAuthorized, first.error);
  if (isOther(request, first.value)) return refuse(request, reasonCode.notAuthorized, otherUser);
  const credential = await findCredential(users, await secret(), first.value.username);
  return {
    kind: "continue",
    data: encodeText(formatServerFirst(first.value, serverNonce, credential)),
    state: encodeText([stateVersion, serverNonce, text].join("\n")),
  };
}

/** client-final in, server-final out. Names and namespaces count only after a right proof. */
async function onClientFinal(
  { users, secret }: ExchangeConfig,
  request: ExchangeRequest,
  text: string,
  { first, serverNonce }: FinalStep,
): Promise<ExchangeVerdict> {
  const final = parseClientFinal(text);
  if (!final.ok) return refuse(request, reasonCode.notAuthorized, final.error);
  const mismatch = findMismatch(first, serverNonce, final.value);
  if (mismatch !== undefined) return refuse(request, reasonCode.notAuthorized, mismatch);
  const credential = await findCredential(users, await secret(), first.username);
  // Not kept in the state: it is a function of what is, and of a hash that may have been changed meanwhile.
  const serverFirst = formatServerFirst(first, serverNonce, credential);
  const serverFinal = await verifyProof(first, serverFirst, final.value, credential);
  if (credential.kind === "fake") return refuse(request, reasonCode.badUserNameOrPassword, credential.why);
  if (serverFinal === undefined) {
    return refuse(request, reasonCode.badUserNameOrPassword, "unknown user or wrong password");
  }
  if (isOther(request, first)) return refuse(request, reasonCode.notAuthorized, otherUser);
  if (!credential.user.namespaces.has(request.namespace)) {
    return refuse(request, reasonCode.notAuthorized, "the user may not enter this namespace");
  }
  return { kind: "allow", username: first.username, data: encodeText(serverFinal) };
}

const otherUser = "re-authentication as another user";

const isOther = ({ username }: ExchangeRequest, first: ClientFirst): boolean =>
  username !== undefined && username !== first.username;

interface FinalStep {
  readonly kind: "final";
  readonly first: ClientFirst;
  readonly serverNonce: string;
}

/** A state is lines: the version, and once client-first has come the server's nonce and client-first itself. */
function readState(state: Uint8Array): Result<{ readonly kind: "first" } | FinalStep, string> {
  const unreadable = fail("the state of the exchange cannot be read");
  const [version, serverNonce, text, ...rest] = new TextDecoder().decode(state).split("\n");
  if (version !== stateVersion || rest.length > 0) return unreadable;
  if (serverNonce === undefined) return ok({ kind: "first" });
  const first = parseClientFirst(text ?? "");
  if (!first.ok || !isServerNonce(serverNonce)) return unreadable;
  return ok({ kind: "final", first: first.value, serverNonce });
}

const encodeText = (text: string): Uint8Array => new TextEncoder().encode(text);

/** `undefined` where the bytes are not UTF-8, or hold a control character, which no name and no nonce may have. */
function decodeText(data: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data);
    return /\p{Cc}/u.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}
