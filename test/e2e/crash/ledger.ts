// What was sent, what was acknowledged and what arrived, and the verdict over it.

export interface Numbered {
  readonly publisher: number;
  readonly qos: 1 | 2;
  /** Rises by one for each message of the publisher at this QoS. */
  readonly sequence: number;
}

export interface Verdict {
  /** Acknowledged and never delivered. */
  readonly lost: readonly string[];
  /** QoS 2, delivered more than once. */
  readonly doubled: readonly string[];
  /** Delivered for the first time after a later message of the same publisher and QoS. */
  readonly disordered: readonly string[];
}

export const nameOf = ({ publisher, qos, sequence }: Numbered): string => `${publisher}/${qos}/${sequence}`;

export function numberedOf(name: string): Numbered {
  const [publisher, qos, sequence] = name.split("/").map(Number);
  if (publisher === undefined || (qos !== 1 && qos !== 2) || sequence === undefined)
    throw new Error(`not a name: ${name}`);
  return { publisher, qos, sequence };
}

export class Ledger {
  readonly acknowledged = new Set<string>();
  readonly #arrivals = new Map<string, number>();
  readonly #disordered: string[] = [];
  readonly #latest = new Map<string, number>();

  onArrival(name: string): void {
    const seen = this.#arrivals.get(name) ?? 0;
    this.#arrivals.set(name, seen + 1);
    if (seen > 0) return; // a repeat may come at any time
    const { publisher, qos, sequence } = numberedOf(name);
    const stream = `${publisher}/${qos}`;
    const latest = this.#latest.get(stream) ?? -1;
    if (sequence < latest) this.#disordered.push(name);
    this.#latest.set(stream, Math.max(latest, sequence));
  }

  /** Different messages that arrived. */
  get arrived(): number {
    return this.#arrivals.size;
  }

  judge(): Verdict {
    return {
      lost: [...this.acknowledged].filter((name) => !this.#arrivals.has(name)),
      doubled: [...this.#arrivals]
        .filter(([name, times]) => times > 1 && numberedOf(name).qos === 2)
        .map(([name]) => name),
      disordered: this.#disordered,
    };
  }
}
