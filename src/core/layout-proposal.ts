// Which layout a namespace has, and which one it is to get. The variables of each version of the code propose; the
// newest version's proposal counts, so that an old and a new version side by side do not pull to and fro.

import type { Layout } from "./placement.ts";

export type ProposedLayout = Omit<Layout, "number">;

export interface Proposal {
  readonly layout: ProposedLayout;
  /**
   * When the version that proposes was made (epoch ms). Absent: its time is not known, and it changes nothing that is
   * there.
   */
  readonly madeAtMs?: number;
}

/** What the registry knows of a namespace's layout. */
export interface LayoutRecord {
  readonly inForce: Layout;
  /** The newest version that has proposed anything: older ones are not listened to. */
  readonly heardMs: number;
  /** The layout that the namespace is being brought to. */
  readonly to?: Layout;
  /** Taken up when the change that is under way has ended. */
  readonly next?: ProposedLayout;
}

/** Takes a proposal in; gives the same record where it says nothing new. The first one of a namespace is in force at once. */
export function withProposal(record: LayoutRecord | undefined, { layout, madeAtMs }: Proposal): LayoutRecord {
  if (record === undefined) return { inForce: { ...layout, number: 1 }, heardMs: madeAtMs ?? 0 };
  if (madeAtMs === undefined || madeAtMs <= record.heardMs) return record;
  return beginNext({ ...record, heardMs: madeAtMs, next: layout });
}

/** The change has arrived: its layout is in force, and the next one, if there is one, begins. */
export function withArrival(record: LayoutRecord): LayoutRecord {
  const { to, ...rest } = record;
  return to === undefined ? record : beginNext({ ...rest, inForce: to });
}

function beginNext(record: LayoutRecord): LayoutRecord {
  const { next, ...rest } = record;
  if (next === undefined || isSameLayout(next, rest.to ?? rest.inForce)) return rest;
  if (rest.to !== undefined) return record;
  return { ...rest, to: { ...next, number: rest.inForce.number + 1 } };
}

export function isSameLayout(a: ProposedLayout, b: ProposedLayout): boolean {
  return (
    a.shards === b.shards &&
    a.subtreeDepth === b.subtreeDepth &&
    a.hashSeed === b.hashSeed &&
    depthsOf(a) === depthsOf(b)
  );
}

/** In any order they say the same. */
const depthsOf = ({ depthByPrefix }: ProposedLayout): string =>
  depthByPrefix
    .map(({ prefix, depth }) => JSON.stringify([prefix, depth]))
    .toSorted((a, b) => (a < b ? -1 : 1))
    .join();
