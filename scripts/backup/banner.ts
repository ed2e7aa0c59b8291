// `npm run backup -- export > FILE` has npm's own lines at its beginning: no export begins with them.

const lineFeed = 0x0a;
const openingBrace = "{".charCodeAt(0);
/** What comes later is part of the export. */
const longestBannerBytes = 4096;

/** The stream from its first line on that begins with a brace; the whole of it where there is none near its beginning. */
export async function* withoutBanner(input: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let begun: Uint8Array | undefined = new Uint8Array(0);
  for await (const chunk of input) {
    if (begun === undefined) {
      yield chunk;
      continue;
    }
    begun = Buffer.concat([begun, chunk]);
    const start = firstRecord(begun);
    if (start === undefined && begun.length < longestBannerBytes) continue;
    yield begun.subarray(start ?? 0);
    begun = undefined;
  }
  if (begun !== undefined && begun.length > 0) yield begun;
}

function firstRecord(bytes: Uint8Array): number | undefined {
  for (let line = 0; line < bytes.length;) {
    if (bytes[line] === openingBrace) return line;
    const end = bytes.indexOf(lineFeed, line);
    if (end === -1) return undefined;
    line = end + 1;
  }
  return undefined;
}
