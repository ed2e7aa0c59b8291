// Strict UTF-8: `undefined` where the bytes are none, instead of replacement characters.

/** The text without a byte order mark, if it had one. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch {
    return undefined;
  }
}
