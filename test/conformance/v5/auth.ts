// AUTH (§3.15, §4.12) with a broker that has no users, so that there is no authentication method to be chosen.

import { dialogue } from "../dialogue.ts";

export const auth = [
  dialogue(
    ["MQTT-4.12.0-1", "MQTT-4.12.0-4", "MQTT-4.13.2-1"],
    "a CONNECT with an authentication method that the server does not support is refused with 0x8C",
    [5],
    `
    a > CONNECT 02 003c 10 15 000d 'SCRAM-SHA-256' 0003 '{a}'
    a refused 8c
    a > CONNECT 02 003c 08 15 0001 'm' 16 0001 00 0003 '{a}'
    a refused 8c
    b > CONNECT 02 003c 03 15 0000 0003 '{b}'
    b refused 8c
  `,
  ),
  dialogue(
    ["MQTT-4.12.0-4"],
    "a CONNECT that is refused for its authentication method leaves the session and the connection of its client identifier alone",
    [5],
    `
    a connects 00 11 00000064
    a2 > CONNECT 02 003c 04 15 0001 'm' 0003 '{a}'
    a2 refused 8c
    a quiet
    a drop
    a resumes 00
  `,
  ),
  dialogue(
    ["MQTT-4.12.0-6"],
    "without an authentication method in CONNECT the server sends neither AUTH nor an authentication method",
    [5],
    `
    a connects 02
    a quiet
    b > CONNECT c2 003c 00 0003 '{b}' 0001 'u' 0001 'p'
    b < 20 0e 00 00 0b {limits}
    b quiet
  `,
  ),
  dialogue(
    [],
    "a CONNECT with authentication data and no method is refused as a protocol error",
    [5],
    `
    a > CONNECT 02 003c 04 16 0001 00 0003 '{a}'
    a refused 82
  `,
  ),
  dialogue(
    ["MQTT-4.12.0-7", "MQTT-4.12.1-1"],
    "an AUTH on a connection whose CONNECT had no authentication method is a protocol error",
    [5],
    `
    a connects 02
    a > f0 06 19 04 15 0001 'm'
    a told 82
    a connects 02
    a > f0 0a 18 08 15 0001 'm' 16 0001 00
    a told 82
  `,
  ),
  dialogue(
    ["MQTT-3.15.2-1"],
    "an AUTH with a reason code that clients do not send is a protocol error",
    [5],
    `
    a connects 02
    a > f0 00
    a told 82
    a connects 02
    a > f0 06 00 04 15 0001 'm'
    a told 82
    a connects 02
    a > f0 06 8c 04 15 0001 'm'
    a told 82
  `,
  ),
  dialogue(
    ["MQTT-4.12.0-5", "MQTT-4.13.1-1"],
    "an AUTH without a method or with one twice is a protocol error, with a property of another packet or cut short a malformed packet",
    [5],
    `
    a connects 02
    a > f0 02 18 00
    a told 82
    a connects 02
    a > f0 0a 19 08 15 0001 'm' 15 0001 'm'
    a told 82
    a connects 02
    a > f0 09 19 07 15 0001 'm' 21 0001
    a told 81
    a connects 02
    a > f0 01 19
    a told 81
    a connects 02
    a > f0 06 19 05 15 0001 'm'
    a told 81
  `,
  ),
  dialogue(
    ["MQTT-3.1.0-1"],
    "a connection whose first packet is AUTH is closed",
    [5],
    `
    a > f0 06 18 04 15 0001 'm'
    a closed
    a > f0 00
    a closed
  `,
  ),
];
