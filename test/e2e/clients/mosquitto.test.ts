// mosquitto_pub and mosquitto_sub, which speak TCP only, through the bridge.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startBroker, startProgram, type BrokerProcess, type ScriptProcess } from "../../support/broker-process.ts";
import { startBridge, type Bridge } from "../support/bridge.ts";
import { endProgram, runProgram } from "../support/programs.ts";
import { withPackages } from "../support/debian-packages.ts";
import { describeShards } from "../support/shard-counts.ts";

const protocols = [["mqttv31"], ["mqttv311"]] as const;
const dialects = [
  ["mqttv31", "a session of 3.1"],
  ["mqttv311", "a session of 3.1.1"],
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

    test.each(dialects)("-V %s -c: %s keeps its queue while it is away", async (protocol) => {
      const address = ["-p", String(bridge.port), "-V", protocol];
      const session = [...address, "-i", `keeper-${protocol}`, "-c", "-q", "2", "-t", `queue/${protocol}`];
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
  });
});
