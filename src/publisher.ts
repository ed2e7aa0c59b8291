// The broker for other Workers of the account: a service binding to this entry point publishes without HTTP and without
// a token, for only the account itself can make one.

import { WorkerEntrypoint } from "cloudflare:workers";
import { configOf } from "./config.ts";
import { refusedResult } from "./http/binding-result.ts";
import { publishFromBinding } from "./http/binding.ts";
import type { HttpDeps } from "./http/deps.ts";
import { reasonCode } from "./core/reason-code.ts";
import type { PublisherBinding, PublishOptions, PublishResult } from "./publisher-types.ts";
import { httpDeps } from "./worker-deps.ts";

const known = new WeakMap<Env, HttpDeps>();

export class Publisher extends WorkerEntrypoint<Env> implements PublisherBinding {
  /**
   * Publishes one message, as a token with the scope `publish` and every topic would over HTTP; also while the broker has
   * no credentials and serves nobody else. What is wrong with the arguments comes back as `refused`.
   * @param topic a topic name, without wildcards [MQTT-3.3.2-2]; not below `$SYS`
   * @param payload text is sent as UTF-8
   */
  async publish(
    topic: string,
    payload: string | Uint8Array | ArrayBuffer,
    options: PublishOptions = {},
  ): Promise<PublishResult> {
    const config = configOf(this.env as unknown as Record<string, unknown>);
    if (!config.ok) {
      const variables = config.error.map(({ variable }) => variable).join(", ");
      return refusedResult(reasonCode.serverUnavailable, `the broker's configuration has problems: ${variables}`);
    }
    const deps = known.get(this.env) ?? httpDeps(this.env, config.value);
    known.set(this.env, deps);
    return publishFromBinding(deps, topic, payload, options);
  }
}
