// The slow-changing data of one namespace. It keeps the layout record: how many shards the namespace's data was written
// with, and how topics are split among them.

import { DurableObject } from "cloudflare:workers";
import type { Layout } from "../core/placement.ts";

const layoutKey = "layout";

export class NamespaceRegistry extends DurableObject<Env> {
  /**
   * Gives the layout in force. The first proposal of a namespace becomes its layout, number 1; later ones only ask.
   * @param proposal what the variables of the asking Worker say.
   */
  async layout(proposal: Omit<Layout, "number">): Promise<Layout> {
    const known = this.ctx.storage.kv.get<Layout>(layoutKey);
    if (known !== undefined) return known;
    const first: Layout = { ...proposal, number: 1 };
    this.ctx.storage.kv.put(layoutKey, first);
    return first;
  }
}
