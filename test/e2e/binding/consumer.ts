// A Worker of somebody else in the same account: it publishes what it is asked to over its service binding.

import type { PublisherBinding, PublishOptions } from "../../../src/publisher-types.ts";

interface Env {
  readonly BROKER: PublisherBinding;
}

interface Call {
  readonly topic: string;
  readonly payload: string;
  readonly asBytes?: boolean;
  readonly options?: PublishOptions;
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const { topic, payload, asBytes = false, options } = (await request.json()) as Call;
    const content = asBytes ? new TextEncoder().encode(payload) : payload;
    return Response.json(await env.BROKER.publish(topic, content, options));
  },
};
