// Who a shard's clients are: the verdicts come from the stateless entry point and go back into the core as inputs.

import type { Broker } from "../core/broker.ts";
import type { Connection } from "../core/connection.ts";
import type { ExchangeStep } from "../core/effect.ts";
import type { Connect } from "../core/packet.ts";
import { askAuthenticator, askExchange } from "./ask-authenticator.ts";

export interface ShardAuthenticationPort {
  readonly broker: Broker;
  readonly namespace: string;
  /** Whether whoever shows no credentials is let in. */
  readonly open: boolean;
  readonly exports: Cloudflare.Exports;
  /** Runs an input that needs the whole shard in memory; a throw ends the object. */
  input(run: () => void): void;
}

export class ShardAuthentication {
  readonly #port: ShardAuthenticationPort;

  constructor(port: ShardAuthenticationPort) {
    this.#port = port;
  }

  /** User name and password of a CONNECT. */
  authenticate(connection: Connection, connect: Connect): void {
    const { broker, namespace, open, exports } = this.#port;
    if (open) {
      broker.onAuthVerdict(connection, { kind: "allow" }, Date.now());
      return;
    }
    void askAuthenticator(exports, namespace, connect).then((verdict) =>
      this.#port.input(() => broker.onAuthVerdict(connection, verdict, Date.now())),
    );
  }

  /** One step of an enhanced authentication (§4.12). */
  exchange(connection: Connection, step: ExchangeStep): void {
    const { broker, namespace, exports } = this.#port;
    void askExchange(exports, namespace, step).then((verdict) =>
      this.#port.input(() => broker.onExchangeVerdict(connection, verdict, Date.now())),
    );
  }
}
