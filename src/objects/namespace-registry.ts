// The slow-changing data of one namespace. It keeps the layout: how many shards the namespace has, and how topics are
// split among them; drives its changes; and keeps a secret for enhanced authentication.

import { DurableObject } from "cloudflare:workers";
import type { ProposedLayout } from "../core/layout-proposal.ts";
import type { Layout } from "../core/placement.ts";
import { writeLog } from "../log.ts";
import { LayoutChanges, type LayoutState, type LayoutStatus } from "./layout-change.ts";

/** The layout in force, alone: as versions before changes of it knew it. */
const layoutKey = "layout";
/** What else there is to say about it. */
const changeKey = "layout-change";
const exchangeSecretKey = "exchange-secret";
const exchangeSecretBytes = 32;

/** What is stored beside the layout in force. */
type StoredChange = Omit<LayoutState, "record"> & Omit<LayoutState["record"], "inForce">;

export class NamespaceRegistry extends DurableObject<Env> {
  readonly #layouts: LayoutChanges;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const { storage } = ctx;
    const namespace = ctx.id.name ?? "default";
    this.#layouts = new LayoutChanges({
      read: () => this.#read(),
      write: ({ record: { inForce, ...record }, ...rest }) => {
        storage.kv.put(layoutKey, inForce);
        storage.kv.put(changeKey, { ...record, ...rest } satisfies StoredChange);
      },
      ask: (shard, step) => env.BROKER_SHARD.getByName(`${namespace}/${shard}`).changeLayout(step),
      wakeAt: (atMs) => storage.setAlarm(atMs),
      now: () => Date.now(),
      wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
      log: (record) => writeLog("info", { namespace, ...record }),
    });
  }

  #read(): LayoutState | undefined {
    const { kv } = this.ctx.storage;
    const inForce = kv.get<Layout>(layoutKey);
    if (inForce === undefined) return undefined;
    const { running, ...record } = kv.get<StoredChange>(changeKey) ?? { heardMs: 0 };
    return { record: { inForce, ...record }, ...(running && { running }) };
  }

  /**
   * Gives the layout in force. The first proposal of a namespace becomes its layout, number 1; later ones are where the
   * namespace is brought to, if they come of a newer version than what was proposed before.
   * @param proposal what the variables of the asking Worker say
   * @param madeAtMs when its version was made (epoch ms); without it the proposal changes nothing
   */
  async layout(proposal: ProposedLayout, madeAtMs?: number): Promise<Layout> {
    return this.#layouts.layout({ layout: proposal, ...(madeAtMs !== undefined && { madeAtMs }) });
  }

  /** The layout in force, and how far a change of it is; `undefined` where nobody has proposed one yet. */
  async layoutStatus(): Promise<LayoutStatus | undefined> {
    await this.#layouts.kick();
    return this.#layouts.status();
  }

  override async alarm(): Promise<void> {
    await this.#layouts.drive();
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
