// Messages of an import into the queues of the sessions that it brought. Positions are this shard's own; what was sent
// keeps its packet id as an explicit one (design §4.5) and is sent again with DUP.

import type { Broker } from "../broker.ts";
import type { ClientId, PacketId, Position, SessionNumber } from "../brand.ts";
import { messageSize } from "../message-size.ts";
import type { Recipient } from "../message-log.ts";
import { packetIdOf } from "../packet-ids.ts";
import type { Message } from "../packet.ts";
import type { Progress } from "../progress.ts";
import type { Session } from "../session.ts";
import type { Addressee, SessionAddressee } from "./record.ts";

/** Explicit ids of one session: those of all 128 sessions of a page share a row of 2 MB. */
const maximumExplicitIds = 1024;

/** The progress of a session while a part is taken in. */
interface Draft {
  readonly before: Progress;
  sentTo: Position;
  readonly released: Position[];
  readonly explicitIds: [PacketId, Position][];
  readonly handed: [Position, SessionNumber][];
}

interface Receiver {
  readonly session: Session;
  readonly addressee: SessionAddressee;
}

export class QueueImport {
  readonly #broker: Broker;
  readonly #find: (clientId: ClientId) => Session | undefined;
  readonly #drafts = new Map<Session, Draft>();
  readonly #withUnsent = new Set<Session>();

  /** `find`: the session of a client, where this import brought it. */
  constructor(broker: Broker, find: (clientId: ClientId) => Session | undefined) {
    this.#broker = broker;
    this.#find = find;
  }

  /** False where nobody of the audience came with this import. */
  takeForSessions(message: Message, audience: readonly Addressee[]): boolean {
    const receivers = audience.flatMap((addressee): Receiver[] => {
      const session = "clientId" in addressee ? this.#find(addressee.clientId) : undefined;
      return session === undefined ? [] : [{ session, addressee: addressee as SessionAddressee }];
    });
    if (receivers.length > 0) this.#append(message, receivers.filter(isOwed));
    return receivers.length > 0;
  }

  #append(message: Message, receivers: readonly Receiver[]): void {
    if (receivers.length === 0) return;
    const recipients = receivers.map(toRecipient);
    if (receivers.length > 1 && !this.#broker.log.fitsRow(messageSize(message), recipients)) {
      const middle = receivers.length >> 1;
      this.#append(message, receivers.slice(0, middle));
      this.#append(message, receivers.slice(middle));
      return;
    }
    const position = this.#broker.log.append(message, recipients);
    for (const receiver of receivers) this.#onAppended(receiver, position, message);
  }

  #onAppended({ session, addressee }: Receiver, position: Position, message: Message): void {
    const { online } = session;
    if (online === undefined) {
      this.#note(session, addressee, position);
      return;
    }
    // The client was faster than the import: it gets the message as a new one.
    if (online.outbound.kind !== "stored") throw new Error("a stored session with an ephemeral outbound");
    const { qos, retain, subscriptionIdentifiers } = addressee;
    if (online.connection.access.mayReceive(message.topicName)) {
      online.outbound.onAppended(position, message, qos, retain, subscriptionIdentifiers);
    } else online.outbound.onRefused(position, message);
  }

  #note(session: Session, { sent, handedBy }: SessionAddressee, position: Position): void {
    const wasSent = sent !== undefined && !this.#hasUnsent(session, position);
    if (!wasSent) this.#withUnsent.add(session);
    const group = handedBy === undefined ? undefined : this.#broker.groups.find(handedBy);
    if (!wasSent && group === undefined) return;
    const draft = this.#draftOf(session);
    if (group !== undefined) draft.handed.push([position, group.queue.takeNumber()]);
    if (!wasSent) return;
    draft.sentTo = position;
    if (sent.released) draft.released.push(position);
    if (sent.packetId !== packetIdOf(position)) draft.explicitIds.push([sent.packetId, position]);
  }

  /**
   * Behind an unsent message all are unsent. In an export of a broker in use one may say that it was sent: of a moment
   * that is later than that of the messages before it.
   */
  #hasUnsent(session: Session, position: Position): boolean {
    if (this.#withUnsent.has(session)) return true;
    const known = this.#drafts.get(session);
    if (known !== undefined) return known.explicitIds.length >= maximumExplicitIds;
    const next = this.#broker.log.next(session.number, this.#broker.progress.get(session.number).sentTo);
    return next !== undefined && next.position < position;
  }

  #draftOf(session: Session): Draft {
    const known = this.#drafts.get(session);
    if (known !== undefined) return known;
    const before = this.#broker.progress.get(session.number);
    const { sentTo, released, explicitIds, handed = [] } = before;
    const draft: Draft = {
      before,
      sentTo,
      released: [...released],
      explicitIds: explicitIds.map(([id, position]) => [id, position]),
      handed: handed.map(([position, number]) => [position, number]),
    };
    this.#drafts.set(session, draft);
    return draft;
  }

  finish(): void {
    for (const [{ number }, { before, ...changed }] of this.#drafts) {
      this.#broker.progress.set(number, { ...before, ...changed });
    }
  }
}

/** A client that is connected has answered the PUBLISH whose PUBREC was seen. */
const isOwed = ({ session, addressee }: Receiver): boolean =>
  session.online === undefined || addressee.sent?.released !== true;

const toRecipient = ({ session, addressee }: Receiver): Recipient => ({
  session: session.number,
  qos: addressee.qos,
  retain: addressee.retain,
  ...(addressee.subscriptionIdentifiers && { subscriptionIdentifiers: addressee.subscriptionIdentifiers }),
});
