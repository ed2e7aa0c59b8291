// MQTT over WebSocket (§6): binary frames only, frames are not packets, the sub-protocol.

import { dialogue } from "../dialogue.ts";

export const websocket = [
  dialogue(
    ["MQTT-6.0.0-1"],
    "a text frame closes the connection",
    [5],
    `
    a connects 02
    a text hello
    a told 81
    b text hello
    b closed
  `,
  ),
  dialogue(
    ["MQTT-6.0.0-2"],
    "a packet may be split over frames at any byte",
    [5],
    `
    a > 10
    a > 10 0004 'MQT'
    a > 'T' 05 02 003c 00 00
    a > 03 '{a}'
    a < 20 0e 00 00 0b {limits}
    a > 82
    a > 1a
    a > 0001 0f 26 0001 'n' 00
    a > 01 'v' 26 0001 'n' 0002 'v' 
    a > 'w' 0005 '{t}/'
    a > 'a'
    a > 00
    a < 90 04 0001 00 00
    a > 30 81
    a > 01 00
    a > 05 '{t}/a' 00 'x'*100
    a > 'x'*21
    a < 30 81 01 0005 '{t}/a' 00 'x'*121
    a > c0
    a > 00
    a < d0 00
  `,
  ),
  dialogue(
    ["MQTT-6.0.0-2"],
    "several packets may come in one frame, the last one in part",
    [5],
    `
    a > CONNECT 02 003c 00 0003 '{a}' ; 82 0b 0001 00 0005 '{t}/a' 00 32 0c 0005 '{t}/a' 0002 00 'hi' c0
    a <* 20 0e 00 00 0b {limits} | 90 04 0001 00 00 | 30 0a 0005 '{t}/a' 00 'hi' | 40 02 0002
    a > 00 c0
    a < d0 00
    a > 00
    a < d0 00
  `,
  ),
  dialogue(
    ["MQTT-6.0.0-2"],
    "an empty frame is nothing",
    [5],
    `
    a connects 02
    a >
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-6.0.0-4"],
    "the server selects the sub-protocol mqtt",
    [5],
    `
    a offers mqtt
    a selected mqtt
    a connects 02
    b offers other, mqtt
    b selected mqtt
    b connects 02
    c offers mqttv3.1, mqtt
    c selected mqtt
    c connects 02
  `,
  ),
];
