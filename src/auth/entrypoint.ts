// Authentication as a Worker entry point of its own: stateless, called over RPC, so that no shard hashes a password.

import { WorkerEntrypoint } from "cloudflare:workers";
import { configOf } from "../config.ts";
import { reasonCode } from "../core/reason-code.ts";
import { authenticate, authenticatorsOf, type AuthRequest, type AuthVerdict } from "./authenticate.ts";

export class AuthenticatorEntrypoint extends WorkerEntrypoint<Readonly<Record<string, unknown>>> {
  /** Judges the sender of a CONNECT. Never throws for what the client sent. */
  async authenticate(request: AuthRequest): Promise<AuthVerdict> {
    const config = configOf(this.env);
    if (!config.ok) {
      return { kind: "refuse", reasonCode: reasonCode.serverUnavailable, detail: "the configuration has problems" };
    }
    return authenticate(authenticatorsOf(config.value), request);
  }
}
