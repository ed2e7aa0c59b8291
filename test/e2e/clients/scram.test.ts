// SCRAM-SHA-256 of MQTT 5 with MQTT.js, for a user whom `npm run user` made.

import mqtt, { type MqttClient } from "mqtt";
import type { IAuthPacket } from "mqtt-packet";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startBroker, type BrokerProcess } from "../../support/broker-process.ts";
import { connect, toldToLeave, version5 } from "../support/mqtt-client.ts";
import { runProgram } from "../support/programs.ts";
import { ScramClient } from "../../support/scram-client.ts";
import { describeShards } from "../support/shard-counts.ts";

const method = "SCRAM-SHA-256";
const password = "correct horse battery staple";
const [success, continues, again] = [0x00, 0x18, 0x19];

const auth = (reasonCode: number, authenticationData: Buffer): IAuthPacket => ({
  cmd: "auth",
  reasonCode,
  properties: { authenticationMethod: method, authenticationData },
});

const dataOf = (packet: { properties?: IAuthPacket["properties"] }): Buffer =>
  packet.properties?.authenticationData ?? Buffer.alloc(0);

/** An MQTT.js client that answers what the server asks, and the last word of the server in AUTH. */
function scramClient(url: string, clientId: string, first: ScramClient) {
  let exchange = first;
  let settle: ((isServer: boolean) => void) | undefined;
  const client = mqtt.connect(url, {
    ...version5,
    clientId,
    reconnectPeriod: 0,
    properties: { authenticationMethod: method, authenticationData: first.first },
  });
  client.handleAuth = (packet, callback) => {
    if (packet.reasonCode === success) settle?.(exchange.verifies(dataOf(packet)));
    const answer = packet.reasonCode === continues ? auth(continues, exchange.final(dataOf(packet))) : undefined;
    callback(undefined, answer);
  };
  /** Re-authentication; resolves with whether the server proved itself. */
  const authenticateAgain = (next: ScramClient): Promise<boolean> => {
    exchange = next;
    client["_sendPacket"](auth(again, next.first)); // MQTT.js has no public way
    return new Promise((resolve) => (settle = resolve));
  };
  return { client, authenticateAgain };
}

/** Whether the server proved itself in CONNACK. */
const accepted = (client: MqttClient, exchange: ScramClient): Promise<boolean> =>
  new Promise((resolve, reject) => {
    client.once("connect", (connack) => resolve(exchange.verifies(dataOf(connack))));
    client.once("error", reject);
    client.once("close", () => reject(new Error("closed before a CONNACK")));
  });

/** The reason code of the CONNACK that refuses. */
const refused = (client: MqttClient): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    client.once("connect", () => reject(new Error("it was let in")));
    client.once("error", (error) => resolve("code" in error ? error.code : undefined));
  });

describeShards("SCRAM-SHA-256", (shards) => {
  let broker: BrokerProcess;
  beforeAll(async () => {
    const tool = `echo '${password}' | ${process.execPath} scripts/run.js user alice --acl 'topic readwrite a/#' 2>/dev/null`;
    const entry = await runProgram(["sh", "-c", tool]);
    broker = await startBroker({ shards, variables: { USERS: `[${entry.trim()}]` } });
  });
  afterAll(async () => {
    await broker?.stop();
  });

  test("the right password connects, the server proves that it knows it, and the user's rules hold", async () => {
    const exchange = new ScramClient("alice", password);
    const { client } = scramClient(broker.mqttUrl, "right", exchange);
    expect(await accepted(client, exchange)).toBe(true);
    const granted = await client.subscribeAsync({ "a/b": { qos: 1 } });
    expect(granted).toMatchObject([{ topic: "a/b", qos: 1 }]);
    await expect(client.subscribeAsync("b")).rejects.toThrow(/Not authorized/u);
    await client.endAsync();
  });

  test("a wrong password, an unknown user and another method are refused", async () => {
    const wrong = scramClient(broker.mqttUrl, "wrong", new ScramClient("alice", "guess"));
    expect(await refused(wrong.client)).toBe(0x86);
    const unknown = scramClient(broker.mqttUrl, "unknown", new ScramClient("mallory", password));
    expect(await refused(unknown.client)).toBe(0x86);
    const other = mqtt.connect(broker.mqttUrl, {
      ...version5,
      reconnectPeriod: 0,
      properties: {
        authenticationMethod: "SCRAM-SHA-1",
        authenticationData: new ScramClient("alice", password).first,
      },
    });
    expect(await refused(other)).toBe(0x8c);
  });

  test("[MQTT-4.12.1-2] a client authenticates again and goes on; a wrong password then ends its connection", async () => {
    const exchange = new ScramClient("alice", password);
    const { client, authenticateAgain } = scramClient(broker.mqttUrl, "again", exchange);
    expect(await accepted(client, exchange)).toBe(true);
    expect(await authenticateAgain(new ScramClient("alice", password))).toBe(true);
    await client.publishAsync("a/b", "still here", { qos: 1 });
    const told = toldToLeave(client);
    void authenticateAgain(new ScramClient("alice", "guess"));
    expect(await told).toBe(0x87);
    client.end(true);
  });

  test("name and password without a method serve the same user", async () => {
    const { client, connack } = await connect(broker.mqttUrl, { ...version5, username: "alice", password });
    expect(connack.properties?.authenticationMethod).toBe(undefined);
    await client.endAsync();
  });
});
