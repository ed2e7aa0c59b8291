// What the server does because of time alone: keep-alive, the limit on CONNECT, the lifetime of sessions (§3.1.2.10).

import { dialogue } from "../dialogue.ts";

export const time = [
  dialogue(
    ["MQTT-3.1.2-24"],
    "a client that is silent for one and a half times its keep-alive is closed",
    [3, 4],
    `
    a > CONNECT 02 000a 0003 '{a}' (10 s)
    a < 20 02 00 00
    advance 25
    a closed
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-24"],
    "every packet starts the keep-alive again",
    [3, 4],
    `
    a > CONNECT 02 000a 0003 '{a}'
    a < 20 02 00 00
    advance 12
    a quiet
    advance 12
    a > 32 0b 0005 '{t}/a' 0001 'hi'
    a < 40 02 0001
    advance 12
    a > 62 02 0001
    a < 70 02 0001
    advance 12
    a quiet
    advance 25
    a closed
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-24", "MQTT-3.1.2-8"],
    "a keep-alive timeout is a lost network: the will is published and the session stays",
    [3, 4],
    `
    b > CONNECT 02 0000 0003 '{b}'
    b < 20 02 00 00
    b > 82 0a 0001 0005 '{t}/w' 00
    b < 90 03 0001 00
    a > CONNECT 04 000a 0003 '{a}' 0005 '{t}/w' 0004 'gone'
    a < 20 02 00 00
    advance 25
    a closed
    b < 30 0b 0005 '{t}/w' 'gone'
    a resumes 00
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-24"],
    "keep-alive 0 is none",
    [3, 4],
    `
    a > CONNECT 02 0000 0003 '{a}'
    a < 20 02 00 00
    advance 200000
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.1.0-1"],
    "a connection that sends no CONNECT in time is closed",
    [3, 4],
    `
    a offers mqtt
    advance 15
    a closed
    b offers mqtt
    b > 10 0f 0004 'MQ'
    advance 15
    b closed
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-4"],
    "a stored session is kept for days while its client is away",
    [3, 4],
    `
    a connects 00
    a > 82 0a 0001 0005 '{t}/a' 01
    a < 90 03 0001 01
    a disconnects
    b connects 02
    b > 32 0b 0005 '{t}/a' 0001 'hi'
    b < 40 02 0001
    advance 500000
    a resumes 00
    a < 32 0b 0005 '{t}/a' $p 'hi'
    a > 40 02 $p
  `,
  ),
  dialogue(
    [],
    "a stored session ends when its client was away for longer than the session lifetime",
    [3, 4],
    `
    a connects 00
    a > 82 0a 0001 0005 '{t}/a' 01
    a < 90 03 0001 01
    a disconnects
    advance 700000
    a connects 00
    b connects 02
    b > 32 0b 0005 '{t}/a' 0001 'hi'
    b < 40 02 0001
    a quiet
  `,
  ),
];
