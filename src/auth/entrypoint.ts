// Authentication as a Worker entry point of its own: stateless, called over RPC, so that no shard hashes a password.

import { WorkerEntrypoint } from "cloudflare:workers";
import { configOf } from "../config.ts";
import { reasonCode } from "../core/reason-code.ts";
import { authenticate, authenticatorsOf, type AuthRequest, type AuthVerdict } from "./authenticate.ts";
import { exchange, refuse, type ExchangeRequest, type ExchangeVerdict } from "./exchange.ts";
import { defaultNamespace } from "./json-entries.ts";

const misconfigured = "the configuration has problems";

type Variables = Readonly<Record<string, unknown>>;

export class AuthenticatorEntrypoint extends WorkerEntrypoint<Variables> {
  /** Judges the sender of a CONNECT. Never throws for what the client sent. */
  async authenticate(request: AuthRequest): Promise<AuthVerdict> {
    const config = configOf(this.env);
    if (!config.ok) return { kind: "refuse", reasonCode: reasonCode.serverUnavailable, detail: misconfigured };
    return authenticate(authenticatorsOf(config.value), request);
  }

  /** Judges one step of an enhanced authentication. Never throws for what the client sent. */
  async exchange(request: ExchangeRequest): Promise<ExchangeVerdict> {
    const config = configOf(this.env);
    if (!config.ok) return refuse(request, reasonCode.serverUnavailable, misconfigured);
    return exchange({ users: config.value.users, secret: () => exchangeSecretOf(this.env) }, request);
  }
}

interface SecretKeeper {
  getByName(name: string): { exchangeSecret(): Promise<Uint8Array> };
}

/** The value and not its promise: a promise of one request's I/O must not be awaited in another. */
const secretByEnv = new WeakMap<Variables, Uint8Array<ArrayBuffer>>();

/**
 * The secret of the deployment, from the registry of the default namespace: were it another one in each namespace, the
 * salt that is the same in two of them would be a real one.
 */
async function exchangeSecretOf(env: Variables): Promise<Uint8Array<ArrayBuffer>> {
  const known = secretByEnv.get(env);
  if (known !== undefined) return known;
  const registry = env["NAMESPACE_REGISTRY"] as SecretKeeper;
  const secret = new Uint8Array(await registry.getByName(defaultNamespace).exchangeSecret());
  secretByEnv.set(env, secret);
  return secret;
}
