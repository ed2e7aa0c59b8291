// MQTT.js in Debian's Chromium, on the page that the broker itself serves.

import type * as MqttJs from "mqtt";
import type { QoS } from "mqtt-packet";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startBroker, type BrokerProcess } from "../../support/broker-process.ts";
import { startBrowser } from "../support/browser.ts";
import { withPackages } from "../support/debian-packages.ts";
import { connect, versions, type Arrived } from "../support/mqtt-client.ts";
import { describeShards } from "../support/shard-counts.ts";

/** What `mqtt.min.js` leaves in the page. */
declare const mqtt: typeof MqttJs.default;

/** Everything below runs in the page. */
const inPage = {
  /** Publishes at each QoS and gives what came back. */
  roundTrip: ({ url, options, topic }: { url: string; options: MqttJs.IClientOptions; topic: string }) =>
    new Promise<Arrived[]>((resolve, reject) => {
      const client = mqtt.connect(url, { ...options, reconnectPeriod: 0 });
      const arrived: Arrived[] = [];
      client.on("error", reject);
      client.on("message", (name, payload, { qos, retain }) => {
        arrived.push({ topic: name, payload: payload.toString(), qos, retain });
        if (arrived.length === 3) client.end(false, {}, () => resolve(arrived));
      });
      client.on("connect", async () => {
        await client.subscribeAsync(`${topic}/#`, { qos: 2 });
        for (const qos of [0, 1, 2] as QoS[]) await client.publishAsync(`${topic}/${qos}`, `grüße ${qos}`, { qos });
      });
    }),
  /** Connects with a will and stays. */
  connectWithWill: ({ url, topic }: { url: string; topic: string }) =>
    new Promise<void>((resolve, reject) => {
      const client = mqtt.connect(url, {
        will: { topic, payload: "tab closed" as unknown as Buffer, qos: 1, retain: false },
      });
      client.on("error", reject);
      client.on("connect", () => resolve());
    }),
};

withPackages(["chromium"], () => {
  describeShards("MQTT.js in Chromium", (shards) => {
    let broker: BrokerProcess;
    let browser: Browser;
    let page: Page;
    beforeAll(async () => {
      [broker, browser] = await Promise.all([startBroker({ shards }), startBrowser()]);
      page = await browser.newPage();
      await page.goto(`${broker.httpUrl}/example/`);
    });
    afterAll(async () => {
      await browser?.close();
      await broker?.stop();
    });

    test("the example page connects, subscribes, publishes and shows what comes", async () => {
      await page.waitForSelector("#state:has-text('connected')");
      const outside = await connect(broker.mqttUrl, { clientId: "outside" });
      await outside.client.publishAsync("chat/outside", "from outside", { qos: 1 });
      await page.waitForSelector("li:has-text('from outside')");
      await outside.client.subscribeAsync("chat/hello", { qos: 1 });
      await page.fill("[name=message]", "from the <b>page</b>");
      await page.click("#publish button");
      await page.waitForSelector("li:has-text('from the <b>page</b>')");
      expect(await outside.receive(1)).toMatchObject([{ topic: "chat/hello", payload: "from the <b>page</b>" }]);
      await outside.client.endAsync();
    });

    describe.each(versions)("MQTT %s", (name, version) => {
      test("messages of every QoS come back", async () => {
        const topic = `browser/${name}`;
        const options = { ...version, clientId: `chromium-${name}` };
        const arrived = await page.evaluate(inPage.roundTrip, { url: broker.mqttUrl, options, topic });
        expect(arrived).toEqual(
          [0, 1, 2].map((qos) => ({ topic: `${topic}/${qos}`, payload: `grüße ${qos}`, qos, retain: false })),
        );
      });
    });

    test("the will of a closed tab is published", async () => {
      const watcher = await connect(broker.mqttUrl, { clientId: "watcher" });
      await watcher.client.subscribeAsync("browser/will", { qos: 1 });
      const tab = await browser.newPage();
      await tab.goto(`${broker.httpUrl}/example/`);
      await tab.evaluate(inPage.connectWithWill, { url: broker.mqttUrl, topic: "browser/will" });
      await tab.close();
      expect(await watcher.receive(1)).toMatchObject([{ topic: "browser/will", payload: "tab closed" }]);
      await watcher.client.endAsync();
    });
  });
});
