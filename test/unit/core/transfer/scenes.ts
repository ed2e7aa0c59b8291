// Scenes that records leave.

import { expect } from "vitest";
import { defaultFeatures } from "../../../../src/core/features.ts";
import { connect, publish1, publish2, Scene, upTo, type Client, type SceneOptions } from "../../../support/scene.ts";
import { startLogAt } from "../../../support/transfer.ts";

export const durable = {
  protocolVersion: 5,
  properties: { sessionExpiryIntervalSec: 3600, receiveMaximum: 3 },
} as const;
export const shared: SceneOptions = {
  options: { features: { ...defaultFeatures, sharedSubscriptionAvailable: true } },
};

export const resume = (scene: Scene, clientId: string): Client => {
  const client = scene.open();
  client.send(connect(clientId, { ...durable, cleanStart: false }));
  return client;
};

/** Three messages are in the window of `sub`, four wait behind it. */
export function sceneWithQueue(options: SceneOptions = {}, firstPosition = 0): Scene {
  const scene = new Scene(options);
  if (firstPosition > 0) startLogAt(scene, firstPosition);
  const sub = scene.subscriber("sub", 2, ["a/#"], durable);
  const pub = scene.connect("pub");
  pub.send(...upTo(6).map((n) => publish1("a/b", `m${n}`, n)), publish2("a/c", "twice", 7));
  scene.flush();
  scene.pump();
  expect(sub.lines()).toEqual(upTo(3).map((n) => `publish a/b=m${n} q1 #${firstPosition + n + 1}`));
  return scene;
}
