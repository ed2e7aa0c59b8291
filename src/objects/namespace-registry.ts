// The slow-changing data of one namespace. It keeps the layout record: how many shards the namespace's data was written
// with, and how topics are split among them; and a secret for enhanced authentication.

import { DurableObject } from "cloudflare:workers";
import type { Layout } from "../core/placement.ts";

const layoutKey = "layout";
const exchangeSecretKey = "exchange-secret";
const exchangeSecretBytes = 32;

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

  /**
   * A random secret of the deployment (the registry of the default namespace is asked), made when it is first asked for.
   * The salts that unknown users are shown in an enhanced authentication come from it: the same each time, and nobody can
   * tell them from real ones.
   */
  async exchangeSecret(): Promise<Uint8Array> {
    const known = this.ctx.storage.kv.get<Uint8Array>(exchangeSecretKey);
    if (known !== undefined) return known;
    const made = crypto.getRandomValues(new Uint8Array(exchangeSecretBytes));
    this.ctx.storage.kv.put(exchangeSecretKey, made);
    return made;
  }
}
