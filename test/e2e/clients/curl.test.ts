// curl publishes over HTTP what an MQTT.js subscriber receives, and reads and clears retained values.

import { afterAll, beforeAll, expect, test } from "vitest";
import { startBroker, type BrokerProcess } from "../../support/broker-process.ts";
import { runProgram } from "../support/programs.ts";
import { withPackages } from "../support/debian-packages.ts";
import { connect } from "../support/mqtt-client.ts";
import { describeShards } from "../support/shard-counts.ts";

withPackages(["curl"], () => {
  describeShards("curl", (shards) => {
    let broker: BrokerProcess;
    beforeAll(async () => {
      broker = await startBroker({ shards });
    });
    afterAll(async () => {
      await broker?.stop();
    });

    /** The body and then, in a line of its own, the status. */
    const curl = (path: string, ...args: string[]): Promise<string> =>
      runProgram(["curl", "-sS", "-w", "\n%{http_code}", ...args, `${broker.httpUrl}${path}`]);

    const curlJson = (path: string, body: unknown): Promise<string> =>
      curl(path, "-H", "content-type: application/json", "-d", JSON.stringify(body));

    test("POST /api/v5/publish and /publish/bulk reach a subscriber; 202 where nobody listens", async () => {
      const { client, receive } = await connect(broker.mqttUrl, { clientId: "listener" });
      await client.subscribeAsync("rest/#", { qos: 2 });
      expect(await curlJson("/api/v5/publish", { topic: "rest/json", payload: "one", qos: 1 })).toMatch(/\n200$/);
      const bytes = { topic: "rest/base64", payload: "dHdv", payload_encoding: "base64", qos: 1 };
      expect(await curlJson("/api/v5/publish/bulk", [bytes, { topic: "rest/bulk", payload: "three", qos: 1 }])).toMatch(
        /\n200$/,
      );
      expect(await receive(3)).toEqual([
        { topic: "rest/json", payload: "one", qos: 1, retain: false },
        { topic: "rest/base64", payload: "two", qos: 1, retain: false },
        { topic: "rest/bulk", payload: "three", qos: 1, retain: false },
      ]);
      expect(await curlJson("/api/v5/publish", { topic: "nobody", payload: "" })).toMatch(/\n202$/);
      await client.endAsync();
    });

    test("POST /topics/a/b and /topics/a%2Fb are the same topic", async () => {
      const { client, receive } = await connect(broker.mqttUrl, { clientId: "listener" });
      await client.subscribeAsync("a/+", { qos: 1 });
      expect(await curl("/topics/a/b?qos=1", "-d", "plain")).toMatch(/\n200$/);
      expect(await curl("/topics/a%2Fb", "-H", "mqtt-qos: 1", "--data-binary", "escaped")).toMatch(/\n200$/);
      expect(await receive(2)).toMatchObject([
        { topic: "a/b", payload: "plain", qos: 1 },
        { topic: "a/b", payload: "escaped", qos: 1 },
      ]);
      await client.endAsync();
    });

    test("PUT keeps a value that GET and a new subscriber see, DELETE clears it", async () => {
      expect(await curl("/topics/lamp", "-X", "PUT", "-d", "on")).toMatch(/\n200$/);
      expect(await curl("/topics/lamp")).toBe("on\n200");
      const { client, receive } = await connect(broker.mqttUrl, { clientId: "late" });
      await client.subscribeAsync("lamp", { qos: 1 });
      expect(await receive(1)).toMatchObject([{ topic: "lamp", payload: "on", retain: true }]);
      expect(await curl("/topics/lamp", "-X", "DELETE")).toMatch(/^\n204$/);
      expect(await receive(1)).toMatchObject([{ topic: "lamp", payload: "" }]);
      expect(await curl("/topics/lamp")).toMatch(/\n404$/);
      await client.endAsync();
    });
  });
});
