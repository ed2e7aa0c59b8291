// Paho Python, as Debian has it, over WebSocket and over TCP through the bridge.

import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startBroker, type BrokerProcess } from "../../support/broker-process.ts";
import { startBridge, type Bridge } from "../support/bridge.ts";
import { runProgram } from "../support/programs.ts";
import { debianPython, withPackages } from "../support/debian-packages.ts";
import { describeShards } from "../support/shard-counts.ts";

const program = fileURLToPath(new URL("paho-dialogue.py", import.meta.url));

withPackages(["python3-paho-mqtt"], () => {
  describeShards("Paho Python", (shards) => {
    let broker: BrokerProcess;
    let bridge: Bridge;
    beforeAll(async () => {
      broker = await startBroker({ shards });
      bridge = await startBridge(broker.mqttUrl);
    });
    afterAll(async () => {
      await bridge?.stop();
      await broker?.stop();
    });

    test.each([
      ["websockets", "3.1"],
      ["websockets", "3.1.1"],
      ["tcp", "3.1"],
      ["tcp", "3.1.1"],
    ])("over %s, MQTT %s: QoS, retained, will, offline queue", async (transport, version) => {
      const port = transport === "tcp" ? bridge.port : broker.port;
      const output = await runProgram([debianPython, program, transport, String(port), version]);
      expect(output.trim().split("\n")).toEqual([
        "0 qos/0 sent at 0",
        "1 qos/1 sent at 1",
        "2 qos/2 sent at 2",
        "retained kept",
        "will gone",
        "queued 1 2 3",
      ]);
    });
  });
});
