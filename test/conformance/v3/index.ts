// Every dialogue of MQTT 3.1 and 3.1.1.

import type { Dialogue } from "../dialogue.ts";
import { connectFlags } from "./connect-flags.ts";
import { connect } from "./connect.ts";
import { malformed } from "./malformed.ts";
import { order } from "./order.ts";
import { publish } from "./publish.ts";
import { redelivery } from "./redelivery.ts";
import { retained } from "./retained.ts";
import { session } from "./session.ts";
import { subscribe, unsubscribe } from "./subscribe.ts";
import { time } from "./time.ts";
import { topics } from "./topics.ts";
import { utf8 } from "./utf8.ts";
import { websocket } from "./websocket.ts";
import { will } from "./will.ts";

export const dialogues: readonly Dialogue[] = [
  ...connect,
  ...connectFlags,
  ...session,
  ...publish,
  ...redelivery,
  ...order,
  ...subscribe,
  ...unsubscribe,
  ...retained,
  ...will,
  ...topics,
  ...utf8,
  ...malformed,
  ...websocket,
  ...time,
];
