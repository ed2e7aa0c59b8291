// Paho Python speaking MQTT 5, over WebSocket and through the bridge, and asking and answering MQTT.js.

import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startBroker, startProgram, type BrokerProcess } from "../../support/broker-process.ts";
import { startBridge, type Bridge } from "../support/bridge.ts";
import { debianPython, withPackages } from "../support/debian-packages.ts";
import { connect, version5 } from "../support/mqtt-client.ts";
import { runProgram } from "../support/programs.ts";
import { describeShards } from "../support/shard-counts.ts";

const program = fileURLToPath(new URL("paho-dialogue-5.py", import.meta.url));

withPackages(["python3-paho-mqtt"], () => {
  describeShards("Paho Python, MQTT 5", (shards) => {
    let broker: BrokerProcess;
    let bridge: Bridge;
    beforeAll(async () => {
      broker = await startBroker({ shards, variables: { RESPONSE_INFORMATION: "answers/${clientid}" } });
      bridge = await startBridge(broker.mqttUrl);
    });
    afterAll(async () => {
      await bridge?.stop();
      await broker?.stop();
    });

    test.each(["websockets", "tcp"])(
      "over %s: properties, options, aliases, wills, sessions, takeover",
      async (transport) => {
        const port = transport === "tcp" ? bridge.port : broker.port;
        const output = await runProgram([debianPython, program, transport, String(port), "dialogue"]);
        const properties = "grüße text/plain 1 0001ff [('z', '1'), ('a', '2'), ('z', '3')]";
        expect(output.trim().split("\n")).toEqual([
          "limits 4096 1048576 16",
          `0 ${properties}`,
          `1 ${properties}`,
          `2 ${properties}`,
          "no local another's",
          "retained kept mark 0 mark 1 mark 2",
          "alias with its name without",
          "will gone [('b', '1'), ('a', '2')] True",
          "queued True 1 2 3",
          "taken over",
        ]);
      },
    );

    test("[MQTT-3.3.2-15] [MQTT-3.3.2-16] Paho answers a request of MQTT.js", async () => {
      const responder = startProgram([debianPython, program, "websockets", String(broker.port), "responder"]);
      const { client, receivePackets } = await connect(broker.mqttUrl, { ...version5, clientId: "js-requester" });
      await client.subscribeAsync("js/answers", { qos: 1 });
      await responder.said(/ready/);
      const correlationData = Buffer.from([0, 0xfe, 0xff]);
      const properties = { responseTopic: "js/answers", correlationData };
      await client.publishAsync("python/websockets/5/requests", "a question", { qos: 1, properties });
      const [answer] = await receivePackets(1);
      expect(answer?.payload.toString()).toBe("re: a question");
      expect(answer?.properties).toEqual({ correlationData });
      await client.endAsync();
      expect(await responder.exited).toMatchObject({ code: 0 });
    });

    test("MQTT.js answers a request of Paho on the topic that the server proposed", async () => {
      const { client, receivePackets } = await connect(broker.mqttUrl, { ...version5, clientId: "js-responder" });
      await client.subscribeAsync("python/tcp/5/questions", { qos: 1 });
      const output = runProgram([debianPython, program, "tcp", String(bridge.port), "requester"]);
      const [request] = await receivePackets(1);
      const { responseTopic = "", correlationData } = request?.properties ?? {};
      await client.publishAsync(responseTopic, `re: ${request?.payload.toString()}`, {
        qos: 1,
        properties: correlationData === undefined ? {} : { correlationData },
      });
      expect((await output).trim()).toBe("answers/py5-tcp-requester re: a question 00feff");
      await client.endAsync();
    });
  });
});
