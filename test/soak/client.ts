// A client as the standard wants it: it repeats what is unacknowledged in a session that goes on, finishes QoS 2 of both
// directions, and tells the model of everything that it sends and gets.

import type { IConnectPacket, IPublishPacket, Packet } from "mqtt-packet";
import { InboundMessages } from "./inbound-messages.ts";
import { Link } from "./link.ts";
import type { Model } from "./model.ts";
import { OutboundMessages, type PublishOptions } from "./outbound-messages.ts";
import type { QoS, Tick } from "./published.ts";
import { SessionLife, type LifeTerms } from "./session-life.ts";
import type { SessionRecord, SubscriptionRecord } from "./session-record.ts";
import type { Trace } from "./trace.ts";
import { WillRecord } from "./will-record.ts";

export interface ClientTerms extends LifeTerms {
  /** MQTT 5. */
  readonly receiveMaximum: number | undefined;
  readonly willTopic: string | undefined;
  /** Names its id in the URL, and so needs no relay. */
  readonly isDirect: boolean;
}

export interface ClientPort {
  readonly model: Model;
  readonly trace: Trace;
  readonly url: () => string;
  /** Draws a pause before the next try to connect. */
  readonly pauseMs: () => number;
  readonly newName: (publisher: string) => string;
}

type Request =
  | { readonly kind: "subscribe"; readonly record: SubscriptionRecord; readonly sentAt: Tick }
  | { readonly kind: "unsubscribe"; readonly record: SubscriptionRecord | undefined };

const keepAliveSec = 60;
const highestPacketId = 65_535;
/** A CONNECT without an answer is given up. */
const connackWithinMs = 8_000;
const disconnectWithinMs = 1_000;

export class Client {
  readonly terms: ClientTerms;
  readonly #port: ClientPort;
  #link: Link | undefined;
  /** It has said CONNECT and has no answer. */
  #candidate: Link | undefined;
  #session: SessionRecord | undefined;
  #wantsOnline = false;
  /** The next CONNECT ends the session that is there. */
  #startsClean = false;
  /** When the last packet of the present connection came. */
  #heardAtMs = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  readonly #requests = new Map<number, Request>();
  readonly #inbound: InboundMessages;
  readonly #outbound: OutboundMessages;
  #lastPacketId = 0;
  readonly #life: SessionLife;
  #will: WillRecord | undefined;
  #pings = 0;
  /** While it is paused nothing leaves. */
  #isPaused = false;

  constructor(terms: ClientTerms, port: ClientPort) {
    this.terms = terms;
    this.#port = port;
    const send = (packet: Packet): boolean => this.#send(packet);
    this.#life = new SessionLife(terms, port.model);
    this.#inbound = new InboundMessages(port.model, terms.receiveMaximum, send);
    this.#outbound = new OutboundMessages(terms.clientId, port, {
      send,
      freePacketId: () => this.#freePacketId(),
      note: (line) => this.#note(line),
    });
  }

  get isOnline(): boolean {
    return this.#link !== undefined && this.#candidate === undefined;
  }

  get isOffline(): boolean {
    return this.#link === undefined && this.#candidate === undefined && !this.#wantsOnline;
  }

  /** So long after it has left its session is certainly over. */
  get isOverAfterMs(): number {
    return this.#life.isOverAfterMs;
  }

  get session(): SessionRecord | undefined {
    return this.#session;
  }

  /** Of its connection; another one is another value. */
  get connection(): unknown {
    return this.#link;
  }

  get owesPing(): boolean {
    return this.#pings > 0;
  }

  get isConnecting(): boolean {
    return this.#candidate !== undefined;
  }

  /** Nothing that it asked for is open. */
  get isAtRest(): boolean {
    return (
      this.#candidate === undefined &&
      this.#retry === undefined &&
      this.#outbound.count === 0 &&
      this.#requests.size === 0 &&
      this.#pings === 0 &&
      this.#inbound.isFinished
    );
  }

  get unacknowledged(): number {
    return this.#outbound.count;
  }

  /** What keeps it from being at rest. */
  get pending(): string {
    return `${this.terms.clientId}: ${this.isOnline ? "on line" : "off line"}, waits for ${this.#outbound.names.join()} and ${this.#requests.size} requests, has not finished ${this.#inbound.unfinished.join()}`;
  }

  /** Stays connected, whatever happens, until told otherwise. */
  connect(startsClean = false): void {
    this.#wantsOnline = true;
    if (startsClean) this.#startClean();
    if (this.#link === undefined && this.#candidate === undefined && this.#retry === undefined) this.#dial();
  }

  /** Connects although it is connected [MQTT-3.1.4-3]. */
  takeOver(startsClean: boolean): void {
    if (!this.isOnline) return;
    if (startsClean) this.#startClean();
    this.#dial();
  }

  #startClean(): void {
    this.#startsClean = true;
    if (this.#session !== undefined) this.#port.model.doubt(this.#session);
    this.#outbound.forget(); // what became of them nobody will know
  }

  #dial(): void {
    const { model } = this.#port;
    const { terms } = this;
    const cleans = !terms.isDurable || this.#startsClean;
    const dialledAtMs = performance.now();
    let will: WillRecord | undefined;
    const connect = (): IConnectPacket => {
      if (!terms.isDurable && this.#session !== undefined) model.doubt(this.#session);
      this.#will?.onTakingOver();
      if (terms.willTopic !== undefined) will = new WillRecord(model, this.#outbound.will(terms.willTopic));
      this.#note("CONNECT");
      return this.#connectPacket(cleans, will);
    };
    const link: Link = new Link(this.#urlOf(), terms.version, connect, {
      onPacket: (packet) => {
        if (this.#candidate !== link) this.#onPacket(packet);
        else this.#onFirstPacket(link, packet, cleans, dialledAtMs, will);
      },
      onClosed: () => this.#onClosed(link, will),
    });
    this.#candidate = link;
    setTimeout(() => {
      if (this.#candidate === link) link.cut();
    }, connackWithinMs).unref();
  }

  #urlOf(): string {
    const { clientId, isDirect } = this.terms;
    return isDirect ? `${this.#port.url()}?clientId=${clientId}` : this.#port.url();
  }

  #connectPacket(cleans: boolean, will: WillRecord | undefined): IConnectPacket {
    const { clientId, version, isDurable, expirySec, receiveMaximum } = this.terms;
    return {
      cmd: "connect",
      clientId,
      protocolId: "MQTT",
      protocolVersion: version,
      clean: version === 4 ? !isDurable : cleans,
      keepalive: keepAliveSec,
      ...(version === 5 && {
        properties: {
          sessionExpiryInterval: isDurable ? expirySec : 0,
          ...(receiveMaximum !== undefined && { receiveMaximum }),
        },
      }),
      ...(will !== undefined && {
        will: {
          topic: will.published.topicName,
          payload: Buffer.from(will.published.name),
          qos: will.published.qos,
          retain: false,
        },
      }),
    };
  }

  #onFirstPacket(link: Link, packet: Packet, cleans: boolean, dialledAtMs: number, will: WillRecord | undefined): void {
    if (packet.cmd !== "connack" || (packet.reasonCode ?? packet.returnCode) !== 0) {
      this.#note(`is refused: ${JSON.stringify(packet)}`);
      link.cut();
      return;
    }
    const { sessionPresent } = packet;
    this.#note(`CONNACK ${sessionPresent ? "with" : "without"} its session`);
    this.#judgePresence(sessionPresent, cleans, dialledAtMs);
    if (sessionPresent && this.#life.mayBeNew && this.#session !== undefined) this.#port.model.doubt(this.#session);
    const previous = this.#link;
    this.#link = link;
    this.#candidate = undefined;
    this.#will?.onTakenOver();
    this.#will = will;
    will?.onConnected();
    this.#life.onConnected(dialledAtMs);
    if (previous !== undefined) this.#noteLoss();
    this.#heardAtMs = performance.now();
    previous?.cut();
    this.#startsClean = false;
    this.#requests.clear();
    this.#pings = 0;
    if (sessionPresent && this.#session !== undefined) this.#resume();
    else this.#begin();
  }

  #judgePresence(isPresent: boolean, cleans: boolean, dialledAtMs: number): void {
    const { model } = this.#port;
    const isKnown = this.#session !== undefined && !cleans;
    if (isPresent && !isKnown) model.violate(`${this.terms.clientId} is told of a session that it does not have`);
    if (isKnown) this.#life.judge(isPresent, dialledAtMs, this.#link !== undefined);
  }

  #begin(): void {
    const { model } = this.#port;
    if (this.#session !== undefined) model.end(this.#session);
    this.#session = model.open(this.terms.clientId, this.terms.isDurable);
    this.#outbound.onBegin();
    this.#inbound.onBegin(this.#session);
  }

  #resume(): void {
    this.#inbound.onResume();
    this.#outbound.onResume();
  }

  #onClosed(link: Link, will: WillRecord | undefined): void {
    const { model } = this.#port;
    if (this.#candidate === link) {
      this.#candidate = undefined;
      will?.onOver();
      this.#life.onRefused(this.#link !== undefined);
      this.#note("was not let in");
    } else if (this.#link === link) {
      this.#link = undefined;
      this.#note("is disconnected");
      this.#noteLoss();
      this.#life.onLost(link.wasCut, this.#heardAtMs);
      this.#inbound.onLost();
      this.#requests.clear();
      this.#pings = 0;
      will?.onLost(link.wasCut);
      if (!this.terms.isDurable && this.#session !== undefined) model.end(this.#session);
    }
    if (this.#wantsOnline && this.#link === undefined && this.#candidate === undefined) this.#dialSoon();
  }

  #noteLoss(): void {
    this.#session?.lose(this.#heardAtMs);
  }

  #dialSoon(): void {
    this.#retry ??= setTimeout(() => {
      this.#retry = undefined;
      if (!this.#wantsOnline || this.#link !== undefined || this.#candidate !== undefined) return;
      if (this.#isPaused) this.#dialSoon();
      else this.#dial();
    }, this.#port.pauseMs());
  }

  /** The network is gone. `staysAway`: it does not come back by itself. */
  drop(staysAway: boolean): void {
    this.#wantsOnline &&= !staysAway;
    if (staysAway) this.#candidate?.cut();
    this.#link?.cut();
  }

  /** Says DISCONNECT and stays away. */
  disconnect(): void {
    this.#wantsOnline = false;
    const link = this.#link;
    if (link === undefined || this.#candidate !== undefined) return;
    this.#note("DISCONNECT");
    this.#will?.onDisconnect();
    if (!this.terms.isDurable && this.#session !== undefined) this.#port.model.doubt(this.#session);
    this.#life.onDisconnect();
    link.send({ cmd: "disconnect" });
    setTimeout(() => link.cut(), disconnectWithinMs).unref();
  }

  /** Where it is not connected nothing happens. */
  publish(topicName: string, qos: QoS, options: PublishOptions = {}): void {
    if (!this.isOnline || this.#isPaused) return;
    this.#outbound.publish(topicName, qos, options);
  }

  #freePacketId(): number {
    do this.#lastPacketId = (this.#lastPacketId % highestPacketId) + 1;
    while (this.#outbound.has(this.#lastPacketId) || this.#requests.has(this.#lastPacketId));
    return this.#lastPacketId;
  }

  subscribe(filter: string, qos: QoS): void {
    if (!this.isOnline || this.#isPaused || this.#session === undefined) return;
    const messageId = this.#freePacketId();
    const { record, sentAt } = this.#port.model.subscribe(this.#session, filter, qos);
    this.#requests.set(messageId, { kind: "subscribe", record, sentAt });
    this.#note(`SUBSCRIBE ${filter} q${qos} at ${sentAt}`);
    this.#send({ cmd: "subscribe", messageId, subscriptions: [{ topic: filter, qos }] });
  }

  unsubscribe(filter: string): void {
    if (!this.isOnline || this.#isPaused || this.#session === undefined) return;
    const messageId = this.#freePacketId();
    const record = this.#port.model.unsubscribe(this.#session, filter);
    this.#requests.set(messageId, { kind: "unsubscribe", record });
    this.#note(`UNSUBSCRIBE ${filter}`);
    this.#send({ cmd: "unsubscribe", messageId, unsubscriptions: [filter] });
  }

  ping(): void {
    if (!this.isOnline || this.#isPaused) return;
    this.#pings += 1;
    this.#send({ cmd: "pingreq" });
  }

  /** Answers wait until told otherwise, so that windows fill. */
  holdAnswers(isHolding: boolean): void {
    this.#inbound.hold(isHolding);
  }

  /** Nothing leaves; answers wait. */
  pause(isPaused: boolean): void {
    this.#isPaused = isPaused;
    this.#inbound.pause(isPaused);
  }

  #send(packet: Packet): boolean {
    return this.#link?.send(packet) ?? false;
  }

  #onPacket(packet: Packet): void {
    this.#heardAtMs = performance.now();
    switch (packet.cmd) {
      case "publish":
        this.#note(`  gets ${describe(packet)}`);
        this.#inbound.onPublish(packet);
        return;
      case "pubrel":
        this.#inbound.onPubrel(packet.messageId ?? 0);
        return;
      case "puback":
      case "pubrec":
        this.#outbound.onAnswer(packet.cmd, packet.messageId ?? 0, packet.reasonCode ?? 0);
        return;
      case "pubcomp":
        this.#outbound.onPubcomp(packet.messageId ?? 0);
        return;
      case "suback":
        this.#onSuback(packet.messageId ?? 0, packet.granted.map(Number));
        return;
      case "unsuback":
        this.#onUnsuback(packet.messageId ?? 0);
        return;
      case "pingresp":
        this.#pings -= 1;
        return;
      case "disconnect":
        this.#note(`is told ${packet.reasonCode}`);
        return;
      default:
        this.#port.model.violate(`${this.terms.clientId} got a ${packet.cmd}`);
    }
  }

  #onSuback(packetId: number, granted: readonly number[]): void {
    const request = this.#requests.get(packetId);
    this.#requests.delete(packetId);
    if (request?.kind !== "subscribe" || this.#session === undefined) return;
    const [code = 0] = granted;
    this.#note(`  gets SUBACK for ${request.record.filter}: ${code}`);
    if (code >= 0x80) this.#port.model.violate(`${this.terms.clientId} is refused ${request.record.filter}: ${code}`);
    this.#port.model.suback(this.#session, request.record, request.sentAt);
  }

  #onUnsuback(packetId: number): void {
    const request = this.#requests.get(packetId);
    this.#requests.delete(packetId);
    if (request?.kind === "unsubscribe" && request.record !== undefined) this.#port.model.unsuback(request.record);
  }

  #note(line: string): void {
    this.#port.trace.note(`${this.terms.clientId} ${line}`);
  }

  /** Whether its will, if it had one, is where it should be; for when everything has settled. */
  settle(): void {
    this.#will?.onSettled(this.isOnline);
  }

  /** For good. */
  end(): void {
    this.#wantsOnline = false;
    clearTimeout(this.#retry);
    this.#candidate?.cut();
    this.#link?.cut();
  }
}

function describe({ payload, topic, qos, retain, dup, messageId }: IPublishPacket): string {
  const flags = `${retain ? " retained" : ""}${dup ? " dup" : ""}`;
  return `${payload.toString() || "(empty)"} on ${topic} q${qos} #${messageId ?? 0}${flags}`;
}
