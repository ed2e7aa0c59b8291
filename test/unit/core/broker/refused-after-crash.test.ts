// What a client may not see stays unseen when a crash forgets that it was refused: the last window counts as sent then.

import { describe, expect, test } from "vitest";
import { accessByRules } from "../../../../src/auth/acl.ts";
import { ack, connect, publish1, publish2, Scene, type Client } from "../../../support/scene.ts";

/** A stored session `s` on all of `t`, of which it may not read `t/secret`, and a publisher who may. */
function stage(): { scene: Scene; publisher: Client } {
  const all = { access: "readwrite", topic: "#" } as const;
  const scene = new Scene({
    access: (_, clientId) => accessByRules(clientId === "s" ? [all, { access: "deny", topic: "t/secret" }] : [all]),
  });
  scene.subscriber("s", 2, ["t/+"], { cleanStart: false });
  const publisher = scene.connect("p");
  scene.flush();
  return { scene, publisher };
}

function linesAfterCrash(scene: Scene): string[] {
  scene.flush();
  scene.crash();
  const client = scene.open();
  client.send(connect("s", { cleanStart: false }));
  const lines = client.lines();
  client.send(ack("pubcomp", 2));
  return lines;
}

describe("a message that was refused to a durable session before a crash", () => {
  test("is not sent after it at QoS 1, and what comes behind it is", () => {
    const { scene, publisher } = stage();
    publisher.send(publish1("t/secret", "no", 1), publish1("t/open", "yes", 2));
    expect(linesAfterCrash(scene)).toEqual(["connack 0 present", "publish t/open=yes q1 #3 dup"]);
  });

  test("is ended by its PUBREL at QoS 2, for it might have been sent [MQTT-4.3.3-1]", () => {
    const { scene, publisher } = stage();
    publisher.send(publish2("t/secret", "no", 1), publish2("t/open", "yes", 2));
    expect(linesAfterCrash(scene)).toEqual(["connack 0 present", "pubrel 2", "publish t/open=yes q2 #3 dup"]);
    expect(scene.broker.counters.dropped.get("not_authorized")).toBe(1);
  });
});
