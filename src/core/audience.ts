// Who receives a message of the log, and how: decided once, when the message is appended (design §4.4). Messages of
// one topic share an audience, and a chunk stores it once.

import type { SessionNumber } from "./brand.ts";
import { PackedReader, PackedWriter } from "./packed.ts";
import { sessionSetOf, type SessionSet } from "./session-set.ts";

export interface Recipient {
  readonly session: SessionNumber;
  readonly qos: 1 | 2;
  /** The RETAIN flag of the PUBLISH that this session gets. */
  readonly retain: boolean;
  readonly subscriptionIdentifiers?: readonly number[];
}

/** Up to so many recipients a plain search is faster than a map. */
const plainSearch = 8;

export class Audience {
  readonly recipients: readonly Recipient[];
  #bySession: Map<SessionNumber, Recipient> | undefined;
  #packed: Uint8Array | undefined;
  #sessions: SessionSet | undefined;

  /** `recipients`: each session once; must not change afterwards. */
  constructor(recipients: readonly Recipient[], packed?: Uint8Array) {
    this.recipients = recipients;
    this.#packed = packed;
  }

  get(session: SessionNumber): Recipient | undefined {
    if (this.recipients.length <= plainSearch) {
      for (const recipient of this.recipients) if (recipient.session === session) return recipient;
      return undefined;
    }
    this.#bySession ??= new Map(this.recipients.map((recipient) => [recipient.session, recipient]));
    return this.#bySession.get(session);
  }

  get sessions(): SessionSet {
    this.#sessions ??= sessionSetOf(this.recipients.map((recipient) => recipient.session));
    return this.#sessions;
  }

  /** For a chunk. Kept: the same audience is packed into many. */
  get packed(): Uint8Array {
    this.#packed ??= pack(this.recipients);
    return this.#packed;
  }

  isSameAs(recipients: readonly Recipient[]): boolean {
    return (
      recipients.length === this.recipients.length &&
      recipients.every((recipient, index) => isEqual(recipient, this.recipients[index] as Recipient))
    );
  }
}

function isEqual(a: Recipient, b: Recipient): boolean {
  return (
    a.session === b.session &&
    a.qos === b.qos &&
    a.retain === b.retain &&
    hasSameNumbers(a.subscriptionIdentifiers, b.subscriptionIdentifiers)
  );
}

function hasSameNumbers(a: readonly number[] | undefined, b: readonly number[] | undefined): boolean {
  if (a === b) return true;
  return a !== undefined && b !== undefined && a.length === b.length && a.every((n, index) => n === b[index]);
}

const qos2Flag = 1;
const retainFlag = 2;
const identifiersFlag = 4;
const flagBits = 3;

/** One number per recipient: the step from the session before, and three flags. Dense audiences take a byte each. */
function pack(recipients: readonly Recipient[]): Uint8Array {
  const sorted = [...recipients].sort((a, b) => a.session - b.session);
  const writer = new PackedWriter(sorted.length * 2 + 16).uint(sorted.length);
  let last = 0;
  for (const { session, qos, retain, subscriptionIdentifiers } of sorted) {
    const flags =
      (qos === 2 ? qos2Flag : 0) |
      (retain ? retainFlag : 0) |
      (subscriptionIdentifiers === undefined ? 0 : identifiersFlag);
    writer.uint((session - last) * 2 ** flagBits + flags);
    last = session;
    if (subscriptionIdentifiers === undefined) continue;
    writer.uint(subscriptionIdentifiers.length);
    for (const identifier of subscriptionIdentifiers) writer.uint(identifier);
  }
  return writer.finish();
}

/** Reads `Audience.packed`. */
export function unpackAudience(packed: Uint8Array): Audience {
  const reader = new PackedReader(packed);
  const recipients: Recipient[] = [];
  let last = 0;
  for (let left = reader.uint(); left > 0; left -= 1) {
    const step = reader.uint();
    const flags = step % 2 ** flagBits;
    last += Math.floor(step / 2 ** flagBits);
    recipients.push({
      session: last as SessionNumber,
      qos: flags & qos2Flag ? 2 : 1,
      retain: (flags & retainFlag) !== 0,
      ...(flags & identifiersFlag && { subscriptionIdentifiers: readNumbers(reader) }),
    });
  }
  return new Audience(recipients, packed);
}

function readNumbers(reader: PackedReader): number[] {
  const numbers: number[] = [];
  for (let left = reader.uint(); left > 0; left -= 1) numbers.push(reader.uint());
  return numbers;
}
