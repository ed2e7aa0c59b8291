// DISCONNECT in both directions: what ends with it, its session expiry, what of it is malformed (§3.14).

import { dialogue } from "../dialogue.ts";

export const disconnect = [
  dialogue(
    ["MQTT-3.14.4-3"],
    "DISCONNECT is read with and without reason code and properties, and nothing after it is processed",
    [5],
    `
    b connects 02
    b > 82 0b 0001 00 0005 '{t}/#' 01
    b < 90 04 0001 00 01
    a > CONNECT 06 003c 00 0003 '{a}' 00 0005 '{t}/w' 0004 'gone'
    a < 20 0e 00 00 0b {limits}
    a > e0 00 30 0a 0005 '{t}/a' 00 'hi'
    a closed
    a > CONNECT 06 003c 00 0003 '{a}' 00 0005 '{t}/w' 0004 'gone'
    a < 20 0e 00 00 0b {limits}
    a > e0 01 00
    a closed
    a > CONNECT 06 003c 00 0003 '{a}' 00 0005 '{t}/w' 0004 'gone'
    a < 20 0e 00 00 0b {limits}
    a > e0 02 00 00
    a closed
    a > CONNECT 06 003c 00 0003 '{a}' 00 0005 '{t}/w' 0004 'gone'
    a < 20 0e 00 00 0b {limits}
    a > e0 13 00 11 26 0001 'k' 0001 '1' 1f 0000 26 0001 'k' 0001 '2'
    a closed
    b quiet
  `,
  ),
  dialogue(
    ["MQTT-4.13.1-1"],
    "a DISCONNECT that ends within its properties, goes on behind them or has one twice is told as an error",
    [5],
    `
    a connects 02
    a > e0 03 00 05 11
    a told 81
    a connects 02
    a > e0 04 00 00 0000
    a told 81
    a connects 02
    a > e0 07 00 05 1f 0003 'no'
    a told 81
    a connects 02 11 00000064
    a > e0 0c 00 0a 11 00000001 11 00000002
    a told 82
    a connects 02
    a > e0 05 00 03 21 0001
    a told 81
  `,
  ),
  dialogue(
    ["MQTT-3.14.0-1", "MQTT-3.2.2-7"],
    "the server sends no DISCONNECT in place of a CONNACK",
    [5],
    `
    a > 10 00
    a closed
    a > 30 0a 0005 '{t}/a' 00 'hi'
    a closed
    a > CONNECT 03 003c 00 0003 '{a}'
    a refused 81
  `,
  ),
  dialogue(
    ["MQTT-3.14.4-1", "MQTT-3.14.4-2", "MQTT-3.14.2-1", "MQTT-3.14.2-2"],
    "after its DISCONNECT, which has no session expiry, the server sends nothing, processes nothing and closes",
    [5],
    `
    b connects 02
    b > 82 0b 0001 00 0005 '{t}/a' 01
    b < 90 04 0001 00 01
    a connects 02 11 00000064
    a > 82 0b 0001 00 0005 '{t}/a' 00
    a < 90 04 0001 00 00
    a > CONNECT 02 003c 00 0003 '{a}' ; 32 0c 0005 '{t}/a' 0001 00 'hi'
    a told 82
    b quiet
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-23", "MQTT-4.1.0-2"],
    "the Session Expiry Interval of DISCONNECT replaces that of CONNECT: 0 ends the session, and 0xFFFFFFFF keeps it",
    [5],
    `
    a connects 00 11 00000064
    a > e0 07 00 05 11 00000000
    a closed
    a connects 00 11 00000064
    a > e0 07 00 05 11 ffffffff
    a closed
    advance 100000
    a resumes 00 11 00000064
    a > e0 07 04 05 11 00000000
    a closed
    a connects 00
  `,
  ),
  dialogue(
    ["MQTT-4.1.0-2", "MQTT-4.13.1-1"],
    "a Session Expiry Interval in DISCONNECT where CONNECT had none is told as a protocol error, 0 is not",
    [5],
    `
    a connects 00
    a > e0 07 00 05 11 00000064
    a told 82
    a connects 00 11 00000000
    a > e0 07 00 05 11 00000001
    a told 82
    a connects 00
    a > e0 07 00 05 11 00000000
    a closed
    a connects 00 11 00000064
    a > e0 00
    a closed
    a resumes 00
    a > e0 07 00 05 11 00000064
    a told 82
    a connects 00
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-8", "MQTT-3.14.4-3"],
    "a will is published at a DISCONNECT with any other reason code than 0",
    [5],
    `
    b connects 02
    b > 82 0b 0001 00 0005 '{t}/w' 01
    b < 90 04 0001 00 01
    a > CONNECT 06 003c 00 0003 '{a}' 00 0005 '{t}/w' 0003 'one'
    a < 20 0e 00 00 0b {limits}
    a > e0 01 04
    a closed
    b < 30 0b 0005 '{t}/w' 00 'one'
    a > CONNECT 06 003c 00 0003 '{a}' 00 0005 '{t}/w' 0003 'two'
    a < 20 0e 00 00 0b {limits}
    a > e0 02 80 00
    a closed
    b < 30 0b 0005 '{t}/w' 00 'two'
    a > CONNECT 06 003c 00 0003 '{a}' 00 0005 '{t}/w' 0003 'six'
    a < 20 0e 00 00 0b {limits}
    a > e0 01 82
    a closed
    b < 30 0b 0005 '{t}/w' 00 'six'
    b quiet
  `,
  ),
];
