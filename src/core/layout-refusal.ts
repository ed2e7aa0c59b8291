// A shard does not serve a call for reasons of the layout. It travels as an error over RPC, of which only the text
// arrives everywhere: so the text says which of the two it is.

/**
 * - `changing`: the layout is about to change. Nothing was taken; a moment later it would be.
 * - `moved`: the layout that the caller knows is no longer in force. The registry knows which one is.
 */
export type LayoutRefusalKind = "changing" | "moved";

const texts: { readonly [Kind in LayoutRefusalKind]: string } = {
  changing: "the layout is changing: try again in a moment",
  moved: "the layout has changed: ask the registry",
};

export class LayoutRefusal extends Error {
  readonly kind: LayoutRefusalKind;

  constructor(kind: LayoutRefusalKind) {
    super(texts[kind]);
    this.name = "LayoutRefusal";
    this.kind = kind;
  }
}

/** What a call failed with, where it was a refusal; it may have come over RPC. */
export function refusalOf(fault: unknown): LayoutRefusalKind | undefined {
  if (fault instanceof LayoutRefusal) return fault.kind;
  const text = String((fault as { message?: unknown } | null)?.message ?? fault);
  if (text.includes(texts.changing)) return "changing";
  return text.includes(texts.moved) ? "moved" : undefined;
}

/** How soon a client may try again while the layout changes. */
export const layoutRetryAfterSec = 2;
