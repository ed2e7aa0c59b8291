// MQTT over WebSocket (§6): binary frames only, frames are not packets, the sub-protocol.

import { dialogue } from "../dialogue.ts";

export const websocket = [
  dialogue(
    ["MQTT-6.0.0-1"],
    "a text frame closes the connection",
    [3, 4],
    `
    a connects 02
    a text hello
    a closed
    b text hello
    b closed
  `,
  ),
  dialogue(
    ["MQTT-6.0.0-2"],
    "a packet may be split over frames at any byte",
    [4],
    `
    a > 10
    a > 0f 0004 'MQT'
    a > 'T' 04 02 003c 00
    a > 03 '{a}'
    a < 20 02 00 00
    a > 82
    a > 0a
    a > 0001 0005 '{t}/'
    a > 'a'
    a > 00
    a < 90 03 0001 00
    a > 30 80
    a > 01 00
    a > 05 '{t}/a' 'x'*100
    a > 'x'*21
    a < 30 80 01 0005 '{t}/a' 'x'*121
    a > c0
    a > 00
    a < d0 00
  `,
  ),
  dialogue(
    ["MQTT-6.0.0-2"],
    "a packet may be split over frames at any byte (MQTT 3.1)",
    [3],
    `
    a > 10 11 0006 'MQI'
    a > 'sdp' 03 02 003c 00
    a > 03 '{a}'
    a < 20 02 00 00
    a > c0
    a > 00
    a < d0 00
  `,
  ),
  dialogue(
    ["MQTT-6.0.0-2"],
    "several packets may come in one frame, the last one in part",
    [3, 4],
    `
    a > CONNECT 02 003c 0003 '{a}' ; 82 0a 0001 0005 '{t}/a' 00 32 0b 0005 '{t}/a' 0002 'hi' c0
    a <* 20 02 00 00 | 90 03 0001 00 | 30 09 0005 '{t}/a' 'hi' | 40 02 0002
    a > 00 c0
    a < d0 00
    a > 00
    a < d0 00
  `,
  ),
  dialogue(
    ["MQTT-6.0.0-2"],
    "an empty frame is nothing",
    [3, 4],
    `
    a connects 02
    a >
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-6.0.0-4"],
    "the server selects the sub-protocol mqtt",
    [4],
    `
    a offers mqtt
    a selected mqtt
    a connects 02
    b offers other, mqtt
    b selected mqtt
    b connects 02
  `,
  ),
  dialogue(
    [],
    "the server selects the sub-protocol mqttv3.1 where only that is offered",
    [3, 4],
    `
    a offers mqttv3.1
    a selected mqttv3.1
    a connects 02
  `,
  ),
];
