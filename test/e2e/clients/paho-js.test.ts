// Paho JavaScript in Debian's Chromium, as the page of a classic tutorial uses it.

import { readFileSync } from "node:fs";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startBroker, type BrokerProcess } from "../../support/broker-process.ts";
import { servePages, startBrowser, type PageServer } from "../support/browser.ts";
import { withPackages } from "../support/debian-packages.ts";
import { connect } from "../support/mqtt-client.ts";
import { describeShards } from "../support/shard-counts.ts";

/** Host and port of the broker come in the query; `connect` options and topics are the tutorial's. */
const tutorialPage = `<!doctype html>
<title>Paho</title>
<script src="paho-mqtt.js"></script>
<ul id="log"></ul>
<script>
  const log = (line) => { document.getElementById("log").innerHTML += "<li>" + line + "</li>"; };
  const query = new URLSearchParams(location.search);
  // Releases before 1.1 call it Paho.MQTT.Client.
  const Client = (Paho.MQTT || Paho).Client;
  const Message = (Paho.MQTT || Paho).Message;

  // Create a client instance
  const client = new Client(query.get("host"), Number(query.get("port")), "/mqtt", query.get("clientId"));

  // set callback handlers
  client.onConnectionLost = onConnectionLost;
  client.onMessageArrived = onMessageArrived;

  // connect the client
  const options = { onSuccess: onConnect, onFailure: (failure) => log("onFailure:" + failure.errorMessage) };
  if (query.has("mqttVersion")) options.mqttVersion = Number(query.get("mqttVersion"));
  client.connect(options);

  function onConnect() {
    log("onConnect");
    client.subscribe("/news/+/sport", { qos: 1, onSuccess: publish });
  }
  function publish() {
    const message = new Message("Hello");
    message.destinationName = "/news/" + query.get("clientId") + "/sport";
    message.qos = 1;
    client.send(message);
  }
  function onConnectionLost(response) {
    if (response.errorCode !== 0) log("onConnectionLost:" + response.errorMessage);
  }
  function onMessageArrived(message) {
    log("onMessageArrived:" + message.destinationName + ":" + message.payloadString + ":" + message.qos);
  }
</script>`;

const library = readFileSync(new URL("../../../node_modules/paho-mqtt/paho-mqtt.js", import.meta.url), "utf8");

withPackages(["chromium"], () => {
  describeShards("Paho JavaScript in Chromium", (shards) => {
    let broker: BrokerProcess;
    let browser: Browser;
    let pages: PageServer;
    beforeAll(async () => {
      const served = servePages({ "/paho-mqtt.js": library, "/": tutorialPage });
      [broker, browser, pages] = await Promise.all([startBroker({ shards }), startBrowser(), served]);
    });
    afterAll(async () => {
      await browser?.close();
      await Promise.all([pages?.stop(), broker?.stop()]);
    });

    /** Opens the tutorial's page; also tells which sub-protocols its socket offered. */
    async function open(query: Record<string, string>): Promise<{ page: Page; offered: string[] }> {
      const page = await browser.newPage();
      const offered: string[] = [];
      const session = await page.context().newCDPSession(page);
      session.on("Network.webSocketWillSendHandshakeRequest", ({ request }) =>
        offered.push(request.headers["Sec-WebSocket-Protocol"] ?? "none"),
      );
      await session.send("Network.enable");
      const fields = new URLSearchParams({ host: "127.0.0.1", port: String(broker.port), ...query });
      await page.goto(`${pages.url}/?${fields.toString()}`);
      return { page, offered };
    }

    const shows = async (page: Page, line: string): Promise<void> => {
      await page.waitForSelector(`li:text-is("${line}")`);
    };

    test.each([
      ["its default", {}, "mqtt"],
      ["3.1.1", { mqttVersion: "4" }, "mqtt"],
      ["3.1", { mqttVersion: "3" }, "mqttv3.1"],
    ])("a page that asks for %s subscribes to /news/+/sport and receives", async (name, version, protocol) => {
      const clientId = `paho-${name.replace(" ", "-")}`;
      const { page, offered } = await open({ clientId, ...version });
      await shows(page, `onMessageArrived:/news/${clientId}/sport:Hello:1`);
      expect(offered).toEqual([protocol]);
      const outside = await connect(broker.mqttUrl, { clientId: "outside" });
      await outside.client.publishAsync("/news//sport", "Goal", { qos: 2 });
      await shows(page, "onMessageArrived:/news//sport:Goal:1");
      await outside.client.publishAsync("/news/a/b/sport", "no match", { qos: 2 });
      expect(await page.locator("li").allTextContents()).toEqual([
        "onConnect",
        `onMessageArrived:/news/${clientId}/sport:Hello:1`,
        "onMessageArrived:/news//sport:Goal:1",
      ]);
      await outside.client.endAsync();
      await page.close();
    });
  });
});
