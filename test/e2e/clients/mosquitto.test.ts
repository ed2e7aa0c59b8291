// mosquitto_pub, mosquitto_sub and mosquitto_rr, which speak TCP only, through the bridge.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startBroker, startProgram, type BrokerProcess, type ScriptProcess } from "../../support/broker-process.ts";
import { startBridge, type Bridge } from "../support/bridge.ts";
import { endProgram, runProgram } from "../support/programs.ts";
import { withPackages } from "../support/debian-packages.ts";
import { connect, version5 } from "../support/mqtt-client.ts";
import { describeShards } from "../support/shard-counts.ts";

const protocols = [["mqttv31"], ["mqttv311"], ["mqttv5"]] as const;
const dialects = [
  ["mqttv31", "a session of 3.1", []],
  ["mqttv311", "a session of 3.1.1", []],
  ["mqttv5", "a session of 5 with an expiry interval", ["-x", "600"]],
] as const;

/** Into a pipe mosquitto_sub would write in blocks. */
const lineBuffered = ["stdbuf", "-oL"] as const;

withPackages(["mosquitto-clients"], () => {
  describeShards("mosquitto_pub and mosquitto_sub over the bridge", (shards) => {
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

    describe.each(protocols)("-V %s", (protocol) => {
      const root = `mosquitto/${protocol}`;
      const address = (): string[] => ["-p", String(bridge.port), "-V", protocol];

      /** Subscribes; the output is one line per message: retain flag, QoS, topic, payload. */
      async function subscribe(...args: string[]): Promise<ScriptProcess> {
        const program = startProgram([
          ...lineBuffered,
          "mosquitto_sub",
          ...address(),
          "-d",
          "-F",
          "%r %q %t %p",
          ...args,
        ]);
        await program.said(/Subscribed \(mid: \d+\)/);
        return program;
      }

      const publish = (...args: string[]): Promise<string> => runProgram(["mosquitto_pub", ...address(), ...args]);

      test("messages of every QoS arrive", async () => {
        const subscriber = await subscribe("-t", `${root}/qos/#`, "-q", "2");
        for (const qos of ["0", "1", "2"]) await publish("-t", `${root}/qos/${qos}`, "-q", qos, "-m", `sent at ${qos}`);
        await subscriber.said(/sent at 2/);
        for (const qos of [0, 1, 2])
          expect(subscriber.output()).toContain(`\n0 ${qos} ${root}/qos/${qos} sent at ${qos}\n`);
        await endProgram(subscriber);
      });

      test("a thousand lines of QoS 2 from standard input arrive once each, in order", async () => {
        const count = 1_000;
        const lines = Array.from({ length: count }, (_, index) => `line-${index}`);
        const subscriber = await subscribe("-t", `${root}/lines`, "-q", "2");
        const words = address().join(" ");
        await runProgram([
          "sh",
          "-c",
          `seq -f 'line-%.0f' 0 ${count - 1} | mosquitto_pub ${words} -t ${root}/lines -q 2 -l`,
        ]);
        await subscriber.said(new RegExp(`line-${count - 1}\n`));
        const received = subscriber
          .output()
          .split("\n")
          .flatMap((line) => /line-\d+$/.exec(line) ?? []);
        expect(received).toEqual(lines);
        await endProgram(subscriber);
      });

      test("a retained message meets a later subscriber, and `-n` removes it", async () => {
        await publish("-t", `${root}/retained`, "-r", "-q", "1", "-m", "kept");
        const first = await subscribe("-t", `${root}/retained`, "-q", "1");
        await first.said(new RegExp(`\n1 1 ${root}/retained kept\n`));
        await endProgram(first);
        await publish("-t", `${root}/retained`, "-r", "-n");
        const second = await subscribe("-t", `${root}/retained`);
        await publish("-t", `${root}/retained`, "-m", "live");
        await second.said(/live/);
        expect(second.output()).not.toContain("kept");
        await endProgram(second);
      });

      test("the will of a mosquitto_sub that is killed is published", async () => {
        const watcher = await subscribe("-t", `${root}/will`, "-q", "2");
        const will = ["--will-topic", `${root}/will`, "--will-payload", "killed", "--will-qos", "2"];
        await endProgram(await subscribe("-t", "unused", ...will), "SIGKILL");
        await watcher.said(new RegExp(`0 2 ${root}/will killed`));
        await endProgram(watcher);
      });
    });

    test.each(dialects)("-V %s -c: %s keeps its queue while it is away", async (protocol, _, expiry) => {
      const address = ["-p", String(bridge.port), "-V", protocol];
      const session = [...address, "-i", `keeper-${protocol}`, "-c", ...expiry, "-q", "2", "-t", `queue/${protocol}`];
      await runProgram(["mosquitto_sub", ...session, "-E"]); // ends once it is subscribed
      for (const qos of ["1", "2"]) {
        await runProgram([
          "mosquitto_pub",
          ...address,
          "-t",
          `queue/${protocol}`,
          "-q",
          qos,
          "-m",
          `while away ${qos}`,
        ]);
      }
      const output = await runProgram(["mosquitto_sub", ...session, "-C", "2"]);
      expect(output.trim().split("\n").sort()).toEqual(["while away 1", "while away 2"]);
    });

    describe("MQTT 5", () => {
      const address = (): string[] => ["-p", String(bridge.port), "-V", "mqttv5"];

      /** Subscribes with `-d`, which says when it is done. */
      async function listen(...args: string[]): Promise<ScriptProcess> {
        const program = startProgram([...lineBuffered, "mosquitto_sub", ...address(), "-d", ...args]);
        await program.said(/Subscribed \(mid: \d+\)/);
        return program;
      }

      test("[MQTT-3.3.2-17] the properties of mosquitto_pub reach mosquitto_sub, and the identifier of its subscription", async () => {
        const identified = ["-D", "subscribe", "subscription-identifier", "42"];
        const format = "type=%C correlation=%D expiry=%E format=%F user=%P answer=%R id=%S payload=%p";
        const subscriber = await listen("-t", "five/+", "-q", "1", ...identified, "-F", format);
        const properties = [
          ["content-type", "text/plain"],
          ["correlation-data", "0815"],
          ["message-expiry-interval", "3600"],
          ["payload-format-indicator", "1"],
          ["response-topic", "five/answers"],
          ["user-property", "zulu", "1"],
          ["user-property", "alpha", "2"],
        ].flatMap((property) => ["-D", "publish", ...property]);
        await runProgram([
          "mosquitto_pub",
          ...address(),
          "-t",
          "five/question",
          "-q",
          "1",
          "-m",
          "hello",
          ...properties,
        ]);
        await subscriber.said(/payload=hello/);
        expect(subscriber.output()).toMatch(
          /type=text\/plain correlation=0815 expiry=(3600|359\d) format=1 user=zulu:1 alpha:2 answer=five\/answers id=42 payload=hello/,
        );
        await endProgram(subscriber);
      });

      test("mosquitto_rr asks MQTT.js and gets its answer", async () => {
        const { client, receivePackets } = await connect(broker.mqttUrl, { ...version5, clientId: "answerer" });
        await client.subscribeAsync("five/requests", { qos: 1 });
        const ask = ["-t", "five/requests", "-e", "five/replies", "-q", "1", "-m", "a question"];
        const asked = runProgram(["mosquitto_rr", ...address(), ...ask, "-D", "publish", "correlation-data", "abc"]);
        const [request] = await receivePackets(1);
        expect(request?.properties).toEqual({
          responseTopic: "five/replies",
          correlationData: Buffer.from("abc"),
        });
        await client.publishAsync("five/replies", "an answer", { qos: 1 });
        expect((await asked).trim()).toBe("an answer");
        await client.endAsync();
      });

      test("[MQTT-3.1.4-3] a mosquitto_sub whose client id is taken is told 0x8E", async () => {
        const first = await listen("-i", "twin", "-t", "unused");
        const second = await listen("-i", "twin", "-t", "unused");
        await first.said(/Received DISCONNECT \(142\)/);
        await first.exited;
        await endProgram(second);
      });
    });
  });
});
