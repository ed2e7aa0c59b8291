// `POST /stop`.

import { describe, expect, test } from "vitest";
import { stopTokenHeader } from "../../../src/http/stop.ts";
import { startBroker, type Broker } from "./broker.ts";

const stop = (broker: Broker, token?: string): Promise<Response> =>
  broker.ask("/stop", { method: "POST", headers: token === undefined ? {} : { [stopTokenHeader]: token } });
const stopped = (broker: Broker): string[] =>
  [...broker.shards].flatMap(([name, shard]) => (shard.isShutDown ? [name] : []));
const variables = { ANONYMOUS: "loopback", NAMESPACES: "default,lab", STOP_TOKEN: "drawn-by-the-start" };

describe("POST /stop", () => {
  test("with the start's token every shard of every namespace is told, also where one does not answer", async () => {
    const broker = startBroker(variables, 2);
    broker.shard("default", 1).failure = new Error("away");
    expect((await stop(broker, "drawn-by-the-start")).status).toBe(204);
    expect(stopped(broker).sort()).toEqual(["default/0", "lab/0", "lab/1"]);
  });

  test.each([
    ["no token is shown", variables, undefined],
    ["a wrong token is shown", variables, "drawn-by-somebody"],
    ["the broker has no token", { ANONYMOUS: "loopback" }, ""],
  ])("there is no such path where %s", async (_, env, token) => {
    const broker = startBroker(env);
    expect((await stop(broker, token)).status).toBe(404);
    expect(stopped(broker)).toEqual([]);
  });
});
