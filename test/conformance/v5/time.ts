// What the server does because of time alone: keep-alive, the limit on CONNECT, the end of sessions (§3.1.2.10, §3.1.2.11.2).

import { dialogue } from "../dialogue.ts";

export const time = [
  dialogue(
    ["MQTT-3.1.2-22", "MQTT-3.2.2-22"],
    "a client that is silent for one and a half times its keep-alive is told 0x8D and closed",
    [5],
    `
    a > CONNECT 02 000a 00 0003 '{a}' (10 s)
    a < 20 0e 00 00 0b {limits}
    b > CONNECT 02 0064 00 0003 '{b}' (100 s)
    b < 20 0e 00 00 0b {limits}
    advance 25
    a told 8d
    b quiet
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-22"],
    "every packet starts the keep-alive again",
    [5],
    `
    a > CONNECT 02 000a 00 0003 '{a}'
    a < 20 0e 00 00 0b {limits}
    advance 12
    a quiet
    advance 12
    a > 32 0c 0005 '{t}/a' 0001 00 'hi'
    a < 40 03 0001 10
    advance 12
    a > 62 02 0001
    a < 70 03 0001 92
    advance 12
    a quiet
    advance 25
    a told 8d
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-22", "MQTT-3.1.2-8", "MQTT-3.1.2-23"],
    "a keep-alive timeout is a lost network: the will is published and the session stays",
    [5],
    `
    b > CONNECT 02 0000 00 0003 '{b}'
    b < 20 0e 00 00 0b {limits}
    b > 82 0b 0001 00 0005 '{t}/w' 00
    b < 90 04 0001 00 00
    a > CONNECT 04 000a 05 11 00000064 0003 '{a}' 00 0005 '{t}/w' 0004 'gone'
    a < 20 0e 00 00 0b {limits}
    advance 25
    a told 8d
    b < 30 0c 0005 '{t}/w' 00 'gone'
    a resumes 00
  `,
  ),
  dialogue(
    ["MQTT-4.1.0-1", "MQTT-3.1.2-22"],
    "keep-alive 0 is none, and a session without an expiry lasts as long as its connection",
    [5],
    `
    a > CONNECT 02 0000 00 0003 '{a}'
    a < 20 0e 00 00 0b {limits}
    a > 82 0b 0001 00 0005 '{t}/a' 01
    a < 90 04 0001 00 01
    b > CONNECT 02 0000 05 11 00000001 0003 '{b}'
    b < 20 0e 00 00 0b {limits}
    advance 200000
    a quiet
    b > 32 0c 0005 '{t}/a' 0001 00 'hi'
    b < 40 02 0001
    a < 32 0c 0005 '{t}/a' $p 00 'hi'
    a > 40 02 $p
  `,
  ),
  dialogue(
    ["MQTT-3.14.0-1"],
    "a connection that sends no CONNECT in time is closed without a word",
    [5],
    `
    a offers mqtt
    advance 15
    a closed
    b offers mqtt
    b > 10 10 0004 'MQTT' 05
    advance 15
    b closed
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-23", "MQTT-4.1.0-2"],
    "a session is kept for its Session Expiry Interval after the connection ended, and no longer",
    [5],
    `
    a > CONNECT 00 0000 05 11 00000064 0003 '{a}'
    a < 20 0e 00 00 0b {limits}
    a > 82 0b 0001 00 0005 '{t}/a' 01
    a < 90 04 0001 00 01
    advance 300
    a drop
    advance 80
    b > CONNECT 02 0000 00 0003 '{b}'
    b < 20 0e 00 00 0b {limits}
    b > 32 0c 0005 '{t}/a' 0001 00 'm1'
    b < 40 02 0001
    a > CONNECT 00 0000 05 11 00000064 0003 '{a}'
    a < 20 0e 01 00 0b {limits}
    a < 32 0c 0005 '{t}/a' $p 00 'm1'
    a > 40 02 $p
    a disconnects
    advance 110
    b > 32 0c 0005 '{t}/a' 0002 00 'm2'
    b < 40 03 0002 10
    a > CONNECT 00 0000 00 0003 '{a}'
    a < 20 0e 00 00 0b {limits}
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-23"],
    "a session whose Session Expiry Interval is 0xFFFFFFFF does not expire",
    [5],
    `
    a connects 00 11 ffffffff
    a > 82 0b 0001 00 0005 '{t}/a' 01
    a < 90 04 0001 00 01
    a disconnects
    b > CONNECT 02 0000 00 0003 '{b}'
    b < 20 0e 00 00 0b {limits}
    b > 32 0c 0005 '{t}/a' 0001 00 'm1'
    b < 40 02 0001
    advance 300000000
    a resumes 00
    a < 32 0c 0005 '{t}/a' $p 00 'm1'
    a > 40 02 $p
  `,
  ),
];
