// Our properties under `mqtt-packet`'s names and in its forms, for the packets that it generates.

import type { UserProperties } from "../core/packet.ts";
import { toBuffer } from "./library.ts";
import { propertyRowByName, type Properties } from "./properties.ts";

/** All values of a name together: the library has no other notation. Names are the caller's, hence no prototype. */
function toLibraryUserProperties(pairs: UserProperties): Record<string, string[]> {
  const byName: Record<string, string[]> = Object.create(null) as Record<string, string[]>;
  for (const [name, value] of pairs) (byName[name] ??= []).push(value);
  return byName;
}

function toLibraryValue(value: unknown): unknown {
  if (value instanceof Uint8Array) return toBuffer(value);
  return Array.isArray(value) ? toLibraryUserProperties(value as UserProperties) : value;
}

/** @returns `undefined` where there is nothing to send: for an empty list the library would generate no packet. */
export function toLibraryProperties(properties: Readonly<Properties> | undefined): Record<string, unknown> | undefined {
  const translated: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(properties ?? {})) {
    const row = propertyRowByName.get(name);
    if (row === undefined) throw new Error(`unknown property ${name}`);
    const isEmpty = value === undefined || (Array.isArray(value) && value.length === 0);
    if (!isEmpty) translated[row.libraryName ?? name] = toLibraryValue(value);
  }
  return Object.keys(translated).length === 0 ? undefined : translated;
}
