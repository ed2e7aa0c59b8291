// A histogram of microseconds in constant memory: exact below a millisecond, to 0.2 % above.

const exactBits = 10;
const exactUs = 2 ** exactBits;
const stepsPerDoubling = exactUs / 2;
const doublings = 32 - exactBits;
const highestBit = 31;
const usPerMs = 1_000;

export class Latencies {
  readonly #buckets = new Uint32Array(exactUs + doublings * stepsPerDoubling);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(us: number): void {
    const bucket = bucketOf(us);
    this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + 1;
    this.#count += 1;
  }

  /** In ms; a share of 0.99 is the 99th percentile. */
  percentile(share: number): number {
    const rank = Math.max(1, Math.ceil(this.#count * share));
    let seen = 0;
    for (const [bucket, count] of this.#buckets.entries()) {
      seen += count;
      if (seen >= rank) return lowestOf(bucket) / usPerMs;
    }
    return 0;
  }
}

function bucketOf(us: number): number {
  if (us < exactUs) return us;
  const bit = highestBit - Math.clz32(us);
  const step = (us >>> (bit - exactBits + 1)) - stepsPerDoubling;
  return exactUs + (bit - exactBits) * stepsPerDoubling + step;
}

function lowestOf(bucket: number): number {
  if (bucket < exactUs) return bucket;
  const doubling = Math.floor((bucket - exactUs) / stepsPerDoubling);
  const step = (bucket - exactUs) % stepsPerDoubling;
  return (stepsPerDoubling + step) * 2 ** (doubling + 1);
}
