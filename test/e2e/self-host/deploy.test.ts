import { expect, test } from "vitest";
import { startProgram } from "../../support/broker-process.ts";

test("npm run deploy would deploy: its dry run bundles the Worker with both Durable Object classes", async () => {
  const deploy = startProgram(["npm", "run", "deploy", "--", "--dry-run"], { WRANGLER_SEND_METRICS: "false" });
  expect(await deploy.exited).toEqual({ code: 0, signal: null });
  expect(deploy.output()).toMatch(/BROKER_SHARD.*Durable Object/);
  expect(deploy.output()).toMatch(/NAMESPACE_REGISTRY.*Durable Object/);
});
