// Buffers in which packets wait for the flush. A socket has one only while something waits: between two flushes the same
// few serve thousands of sockets, and none is made anew, which costs more than what is written into it.

const smallestBytes = 512;
/** From one size to the next. */
const growth = 2;
/** 512 bytes to 512 KiB: the flush is forced at 256 KiB at the latest, by the packet that passes it. */
const sizes = 11;
/** Kept for the next flush; with more than that waiting at once, the rest is made anew. */
const mostKeptBytes = 16 * 1024 * 1024;

const kept: Uint8Array<ArrayBuffer>[][] = Array.from({ length: sizes }, () => []);
let keptBytes = 0;

/** The place of the smallest size with room for so much; `sizes` where there is none. */
function placeOf(bytes: number): number {
  let place = 0;
  for (let size = smallestBytes; size < bytes && place < sizes; size *= growth) place += 1;
  return place;
}

const sizeFor = (bytes: number): number =>
  smallestBytes * growth ** Math.max(0, Math.ceil(Math.log2(bytes / smallestBytes) / Math.log2(growth)));

/** A buffer of at least so many bytes. What is in it is left over. */
export function takeBuffer(bytes: number): Uint8Array<ArrayBuffer> {
  const place = placeOf(bytes);
  const buffer = kept[place]?.pop();
  if (buffer === undefined) return new Uint8Array(sizeFor(bytes));
  keptBytes -= buffer.length;
  return buffer;
}

/** Nobody else may use it any more; what was taken from it stays until somebody takes a buffer. */
export function giveBuffer(buffer: Uint8Array<ArrayBuffer>): void {
  const place = placeOf(buffer.length);
  if (place >= sizes || keptBytes + buffer.length > mostKeptBytes) return;
  kept[place]?.push(buffer);
  keptBytes += buffer.length;
}
