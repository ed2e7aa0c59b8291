// What the HTTP side needs from the rest, and what one request looks like to its handlers. No Cloudflare types: the
// whole of `http/` runs in plain Node.

import type { Config } from "../config.ts";
import type { Access } from "../core/access.ts";
import type { Layout } from "../core/placement.ts";
import type { LayoutStatus } from "../objects/layout-change.ts";
import type { ShardApi } from "../objects/shard-api.ts";
import type { Problem } from "./problem.ts";

/** The part of the configuration that HTTP reads. */
export type HttpConfig = Pick<
  Config,
  "open" | "credentialsConfigured" | "stopToken" | "allowedOrigins" | "namespaces" | "limits" | "features" | "tokens"
>;

/** Who asks, and what it may do. */
export interface Grant {
  /** Id of the token, for the log; never the secret. */
  readonly name: string;
  /** With the name, who it is: idempotency keys of one are not those of another. */
  readonly kind: "token" | "anonymous" | "binding";
  readonly access: Access;
}

/** One line of the structured log. Never a payload, never a secret. */
export interface HttpLogRecord {
  readonly event:
    | "backup-exported"
    | "backup-imported"
    | "client-disconnected"
    | "http-failed"
    | "http-refused"
    | "http-unauthorized"
    | "publish-denied"
    | "publish-refused"
    | "read-denied"
    | "shard-unreachable"
    | "upgrade-refused";
  readonly namespace?: string;
  /** Id of the token. */
  readonly principal?: string;
  readonly topic?: string;
  readonly clientId?: string;
  readonly shard?: number;
  /** Path of the request without its query, which may hold a token. */
  readonly path?: string;
  readonly status?: number;
  readonly reasonCode?: number;
  readonly reason: string;
  readonly limit?: string;
}

export interface HttpDeps {
  readonly config: HttpConfig;
  shard(namespace: string, index: number): ShardApi;
  /** As it was when it was asked for last. */
  layout(namespace: string): Promise<Layout>;
  /** The present one, where `known` is in force no more. */
  freshLayout(namespace: string, known: Layout): Promise<Layout>;
  /** The change of the layout that is under way, if there is one. */
  layoutChange(namespace: string): Promise<LayoutStatus["change"]>;
  /**
   * Hands on an upgrade that passed all checks of HTTP. `Sec-WebSocket-Protocol` holds at most one name: the one to
   * echo in the 101.
   */
  upgrade(request: Request, namespace: string): Promise<Response>;
  /** A file of `examples/browser` by its path there; 404 where there is none. The request's conditions hold. */
  asset(path: string, request: Request): Promise<Response>;
  log(record: HttpLogRecord): void;
  /** Epoch ms. */
  now(): number;
}

/** One request on its way through a handler. */
export interface Exchange {
  readonly deps: HttpDeps;
  readonly request: Request;
  readonly url: URL;
  readonly namespace: string;
  readonly grant: Grant;
}

export type Handler = (exchange: Exchange) => Promise<Response | Problem> | Response | Problem;
