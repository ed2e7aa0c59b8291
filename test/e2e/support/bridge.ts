// The TCP bridge in front of a test's broker.

import { startScript } from "../../support/broker-process.ts";
import { endProgram } from "./programs.ts";

export interface Bridge {
  readonly port: number;
  stop(): Promise<void>;
}

/** Starts `npm run bridge` on a free port. */
export async function startBridge(mqttUrl: string): Promise<Bridge> {
  const script = startScript("bridge", ["--listen", "0", "--to", mqttUrl]);
  const [, port] = await script.said(/MQTT over TCP at 127\.0\.0\.1:(\d+)/);
  return { port: Number(port), stop: () => endProgram(script) };
}
