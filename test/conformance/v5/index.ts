// Every dialogue of MQTT 5.0.

import type { Dialogue } from "../dialogue.ts";
import { auth } from "./auth.ts";
import { connack } from "./connack.ts";
import { connect } from "./connect.ts";
import { disconnect } from "./disconnect.ts";
import { expiry } from "./expiry.ts";
import { flowControl } from "./flow-control.ts";
import { malformed } from "./malformed.ts";
import { order } from "./order.ts";
import { properties } from "./properties.ts";
import { propertyMatrix } from "./property-matrix.ts";
import { publish } from "./publish.ts";
import { qos } from "./qos.ts";
import { redelivery } from "./redelivery.ts";
import { retained } from "./retained.ts";
import { session } from "./session.ts";
import { shared } from "./shared.ts";
import { subscribe } from "./subscribe.ts";
import { subscriptionOptions } from "./subscription-options.ts";
import { time } from "./time.ts";
import { topicAlias } from "./topic-alias.ts";
import { topics } from "./topics.ts";
import { unsubscribe } from "./unsubscribe.ts";
import { utf8 } from "./utf8.ts";
import { websocket } from "./websocket.ts";
import { will } from "./will.ts";

export const dialogues: readonly Dialogue[] = [
  ...connect,
  ...connack,
  ...session,
  ...will,
  ...disconnect,
  ...websocket,
  ...time,
  ...publish,
  ...qos,
  ...redelivery,
  ...order,
  ...flowControl,
  ...topicAlias,
  ...properties,
  ...expiry,
  ...retained,
  ...subscribe,
  ...subscriptionOptions,
  ...unsubscribe,
  ...shared,
  ...topics,
  ...utf8,
  ...malformed,
  ...propertyMatrix,
  ...auth,
];
