// Reading the log for an export: each message once, with those who still need it.

import type { PacketId, Position, SessionNumber } from "../brand.ts";
import type { Recipient } from "../audience.ts";
import type { Broker } from "../broker.ts";
import type { AudienceEntry } from "../audience-entry.ts";
import { messageSize } from "../message-size.ts";
import { packetIdOf } from "../packet-ids.ts";
import { isInRanges } from "../position-ranges.ts";
import type { Message } from "../packet.ts";
import type { Progress } from "../progress.ts";
import { inPieces, recordBytes, type ExportCursor, type ExportPage, type Page } from "./export-page.ts";
import type { Addressee } from "./record.ts";

/** Entries of the log that one page looks at: they may all be for others. */
const entriesPerPage = 20_000;

/** The part `queues` (entries of shared groups alone) or `messages` (all the rest). */
export function addMessages(page: Page, broker: Broker): ExportPage {
  const { after = 0 } = page.cursor as { after?: number };
  const reader = new LogReader(broker, page.cursor);
  let done = after;
  let { within = 0 } = page.cursor;
  let looked = 0;
  for (const entry of broker.log.entriesAfter(after as Position)) {
    if (reader.isBehind(entry.position)) break;
    const isOver = looked >= entriesPerPage;
    const to = isOver ? within : reader.add(page, entry, within);
    if (to !== undefined) return page.stop({ ...reader.bounds, after: done, within: to });
    done = entry.position;
    within = 0;
    looked += 1;
  }
  return page.end(page.cursor.part === "queues" ? { queuesTo: reader.logTo } : {});
}

/** What of a session's progress is asked for each of its entries. */
interface Known {
  readonly progress: Progress;
  readonly released: ReadonlySet<Position>;
  readonly explicitIds: ReadonlyMap<Position, PacketId>;
  readonly handed: ReadonlyMap<Position, SessionNumber>;
}

class LogReader {
  readonly logTo: number;
  readonly #broker: Broker;
  readonly #cursor: ExportCursor;
  readonly #isOfQueues: boolean;
  readonly #known = new Map<SessionNumber, Known>();
  #tailTo: number | undefined;

  constructor(broker: Broker, cursor: ExportCursor) {
    this.#broker = broker;
    this.#cursor = cursor;
    this.#isOfQueues = cursor.part === "queues";
    this.logTo = cursor.logTo ?? broker.log.end;
    this.#tailTo = cursor.tailTo;
  }

  get bounds(): Partial<ExportCursor> {
    return { logTo: this.logTo, ...(this.#tailTo !== undefined && { tailTo: this.#tailTo }) };
  }

  /** Behind the log's end at the beginning is a tail: of what changed hands since. Behind that everything is new. */
  isBehind(position: Position): boolean {
    if (position <= this.logTo) return false;
    if (this.#isOfQueues) return true;
    this.#tailTo ??= this.#broker.log.end;
    return position > this.#tailTo;
  }

  /** For those with numbers above `within`. Gives up to which they are in where not all are. */
  add(page: Page, { position, message, audience }: AudienceEntry, within: number): number | undefined {
    const recipients = audience.recipients.filter(({ session }) => session > within);
    const wanted = recipients.flatMap((recipient) => {
      const addressee = this.#addresseeOf(position, recipient);
      return addressee === undefined ? [] : [{ number: recipient.session, addressee }];
    });
    if (wanted.length === 0) return undefined;
    wanted.sort((a, b) => a.number - b.number);
    const own = detached(message);
    let to = within;
    for (const { items, bytes } of inPieces(wanted, ({ addressee }) => addresseeBytes(addressee))) {
      if (page.isFull) return to;
      const addressees = items.map(({ addressee }) => addressee);
      page.add({ kind: "message", message: own, audience: addressees }, messageSize(message) + bytes);
      to = items.at(-1)?.number ?? to;
    }
    return undefined;
  }

  #addresseeOf(position: Position, recipient: Recipient): Addressee | undefined {
    const group = this.#broker.groups.byNumber(recipient.session);
    if (group === undefined) return this.#isOfQueues ? undefined : this.#sessionOf(position, recipient);
    const isInQueues = !this.#isOfQueues && position <= (this.#cursor.queuesTo ?? 0);
    if (isInQueues || isDone(this.#broker.progress.get(recipient.session), position)) return undefined;
    return { group: group.filter };
  }

  #sessionOf(position: Position, recipient: Recipient): Addressee | undefined {
    const session = this.#broker.sessions.byNumber(recipient.session);
    if (session === undefined || session.kind !== "stored") return undefined;
    const { progress, released, explicitIds, handed } = this.#knownOf(session.number);
    const handedBy = this.#broker.groups.byNumber(handed.get(position) ?? 0)?.filter;
    if (isDone(progress, position) || (position > this.logTo && handedBy === undefined)) return undefined;
    const isExported = session.expiryIntervalSec > 0 && session.number < (this.#cursor.sessionsBelow ?? Infinity);
    // As if that session had ended: what it was handed goes to another member.
    if (!isExported) return handedBy === undefined ? undefined : { group: handedBy };
    const packetId = explicitIds.get(position) ?? packetIdOf(position);
    const { qos, retain, subscriptionIdentifiers } = recipient;
    return {
      clientId: session.clientId,
      qos,
      retain,
      ...(subscriptionIdentifiers !== undefined && { subscriptionIdentifiers }),
      ...(position <= progress.sentTo && { sent: { packetId, released: released.has(position) } }),
      ...(handedBy !== undefined && { handedBy }),
    };
  }

  #knownOf(number: SessionNumber): Known {
    const known = this.#known.get(number);
    if (known !== undefined) return known;
    const session = this.#broker.sessions.byNumber(number);
    if (session?.online !== undefined) this.#broker.saveProgress(session); // the window knows more than the page
    const progress = this.#broker.progress.get(number);
    const made = {
      progress,
      released: new Set(progress.released),
      explicitIds: new Map(progress.explicitIds.map(([id, position]) => [position, id])),
      handed: new Map(progress.handed),
    };
    this.#known.set(number, made);
    return made;
  }
}

/** A view would take the whole chunk with it into a call. */
function detached(message: Message): Message {
  const { properties } = message;
  const correlationData = properties?.correlationData?.slice();
  return {
    ...message,
    payload: message.payload.slice(),
    ...(properties && { properties: { ...properties, ...(correlationData && { correlationData }) } }),
  };
}

const isDone = ({ acknowledgedTo, acknowledged }: Progress, position: Position): boolean =>
  position <= acknowledgedTo || isInRanges(acknowledged, position);

const addresseeBytes = (addressee: Addressee): number =>
  recordBytes + ("group" in addressee ? addressee.group.length : addressee.clientId.length);
