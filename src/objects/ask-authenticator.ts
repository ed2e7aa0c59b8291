// The verdict on a CONNECT, from the stateless entry point: a shard never hashes a password.

import type { AuthRequest } from "../auth/authenticate.ts";
import type { AuthVerdict } from "../core/connect.ts";
import type { Connect } from "../core/packet.ts";
import { reasonCode } from "../core/reason-code.ts";

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
    const detail = "the authenticator cannot be reached";
    return { kind: "refuse", reasonCode: reasonCode.serverUnavailable, detail };
  }
}
