// The verdict on a CONNECT or AUTH, from the stateless entry point: a shard never hashes a password.

import type { AuthRequest } from "../auth/authenticate.ts";
import { refuse, type ExchangeRequest, type ExchangeVerdict } from "../auth/exchange.ts";
import type { AuthVerdict } from "../core/connect.ts";
import type { Connect } from "../core/packet.ts";
import { reasonCode } from "../core/reason-code.ts";

const unreachable = "the authenticator cannot be reached";

/** Never rejects: where the authenticator cannot be reached the client hears that the server is unavailable (0x88). */
export async function askAuthenticator(
  exports: Cloudflare.Exports,
  namespace: string,
  connect: Connect,
): Promise<AuthVerdict> {
  const { clientId, protocolVersion, username, password } = connect;
  const request: AuthRequest = {
    namespace,
    clientId,
    protocolVersion,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
  };
  try {
    return await exports.AuthenticatorEntrypoint.authenticate(request);
  } catch {
    return { kind: "refuse", reasonCode: reasonCode.serverUnavailable, detail: unreachable };
  }
}

/** One step of an enhanced authentication (§4.12), which only MQTT 5 has. Never rejects, as above. */
export async function askExchange(
  exports: Cloudflare.Exports,
  namespace: string,
  step: Omit<ExchangeRequest, "namespace" | "protocolVersion">,
): Promise<ExchangeVerdict> {
  try {
    return await exports.AuthenticatorEntrypoint.exchange({ ...step, namespace, protocolVersion: 5 });
  } catch {
    return refuse(step, reasonCode.serverUnavailable, unreachable);
  }
}
