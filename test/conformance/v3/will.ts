// Will messages (§3.1.2.5 – §3.1.2.7, §3.14.4). 06 is a will of QoS 0 with clean session, 0e of QoS 1, 16 of QoS 2; 20 retains.

import { dialogue } from "../dialogue.ts";

export const will = [
  dialogue(
    ["MQTT-3.1.2-8", "MQTT-3.1.2-16"],
    "a will is published when the connection is lost without DISCONNECT, not retained where Will Retain is 0",
    [3, 4],
    `
    b connects 02
    b > 82 0a 0001 0005 '{t}/w' 02
    b < 90 03 0001 02
    a > CONNECT 06 003c 0003 '{a}' 0005 '{t}/w' 0004 'gone'
    a < 20 02 00 00
    a drop
    b < 30 0b 0005 '{t}/w' 'gone'
    b > a2 09 0002 0005 '{t}/w'
    b < b0 02 0002
    b > 82 0a 0003 0005 '{t}/w' 02
    b < 90 03 0003 02
    b quiet
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-9", "MQTT-3.1.2-14"],
    "a will is published at its QoS",
    [3, 4],
    `
    b connects 02
    b > 82 0a 0001 0005 '{t}/w' 02
    b < 90 03 0001 02
    a > CONNECT 0e 003c 0003 '{a}' 0005 '{t}/w' 0004 'gone'
    a < 20 02 00 00
    a drop
    b < 32 0d 0005 '{t}/w' $p 'gone'
    b > 40 02 $p
    a > CONNECT 16 003c 0003 '{a}' 0005 '{t}/w' 0004 'gone'
    a < 20 02 00 00
    a drop
    b < 34 0d 0005 '{t}/w' $q 'gone'
    b > 50 02 $q
    b < 62 02 $q
    b > 70 02 $q
    b quiet
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-17"],
    "a will with Will Retain 1 is published as a retained message",
    [3, 4],
    `
    b connects 02
    b > 82 0a 0001 0005 '{t}/w' 01
    b < 90 03 0001 01
    a > CONNECT 2e 003c 0003 '{a}' 0005 '{t}/w' 0004 'gone'
    a < 20 02 00 00
    a drop
    b < 32 0d 0005 '{t}/w' $p 'gone'
    b > 40 02 $p
    c connects 02
    c > 82 0a 0001 0005 '{t}/w' 00
    c <* 90 03 0001 00 | 31 0b 0005 '{t}/w' 'gone'
    c > 33 09 0005 '{t}/w' 0002
    c <* 40 02 0002 | 30 07 0005 '{t}/w'
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-10", "MQTT-3.14.4-3"],
    "a will is removed by DISCONNECT and not published",
    [3, 4],
    `
    b connects 02
    b > 82 0a 0001 0005 '{t}/w' 01
    b < 90 03 0001 01
    a > CONNECT 0e 003c 0003 '{a}' 0005 '{t}/w' 0004 'gone'
    a < 20 02 00 00
    a disconnects
    a > CONNECT 0c 003c 0003 '{a}' 0005 '{t}/w' 0004 'gone'
    a < 20 02 00 00
    a disconnects
    b > 32 0b 0005 '{t}/w' 0002 'm1'
    b <* 40 02 0002 | 32 0b 0005 '{t}/w' $p 'm1'
    b > 40 02 $p
    b quiet
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-10"],
    "a will that was published is gone: the next connection of the session has none",
    [3, 4],
    `
    b connects 02
    b > 82 0a 0001 0005 '{t}/w' 01
    b < 90 03 0001 01
    a > CONNECT 0c 003c 0003 '{a}' 0005 '{t}/w' 0004 'gone'
    a < 20 02 00 00
    a drop
    b < 32 0d 0005 '{t}/w' $p 'gone'
    b > 40 02 $p
    a resumes 00
    a drop
    a resumes 00
    b > 32 0b 0005 '{t}/w' 0002 'm1'
    b <* 40 02 0002 | 32 0b 0005 '{t}/w' $q 'm1'
    b > 40 02 $q
    b quiet
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-12"],
    "without the will flag nothing is published when the connection ends",
    [3, 4],
    `
    b connects 02
    b > 82 0a 0001 0005 '{t}/#' 01
    b < 90 03 0001 01
    a connects 02
    a drop
    a connects 02
    a > 36 0b 0005 '{u}/a' 0001 'hi'
    a closed
    b quiet
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-8"],
    "a will is published when the server closes the connection for a protocol violation",
    [3, 4],
    `
    b connects 02
    b > 82 0a 0001 0005 '{t}/w' 00
    b < 90 03 0001 00
    a > CONNECT 06 003c 0003 '{a}' 0005 '{t}/w' 0004 'gone'
    a < 20 02 00 00
    a > 36 0b 0005 '{t}/a' 0001 'hi'
    a closed
    b < 30 0b 0005 '{t}/w' 'gone'
    a > CONNECT 06 003c 0003 '{a}' 0005 '{t}/w' 0004 'gone'
    a < 20 02 00 00
    a > CONNECT 06 003c 0003 '{a}' 0005 '{t}/w' 0004 'gone'
    a closed
    b < 30 0b 0005 '{t}/w' 'gone'
    b quiet
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-8"],
    "a will is published when another connection takes the client identifier over",
    [3, 4],
    `
    b connects 02
    b > 82 0a 0001 0005 '{t}/w' 00
    b < 90 03 0001 00
    a > CONNECT 06 003c 0003 '{a}' 0005 '{t}/w' 0004 'gone'
    a < 20 02 00 00
    a2 connects 02
    a closed
    b < 30 0b 0005 '{t}/w' 'gone'
    a2 drop
    b quiet
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-8"],
    "the will of a CONNECT that is refused is not published",
    [4],
    `
    b connects 02
    b > 82 0a 0001 0005 '{t}/w' 01
    b < 90 03 0001 01
    a > 10 1c 0004 'MQTT' 02 0e 003c 0003 '{a}' 0005 '{t}/w' 0004 'gone'
    a < 20 02 00 01
    a closed
    b quiet
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-8"],
    "a will that is empty is published, and with Will Retain removes the retained message",
    [3, 4],
    `
    b connects 02
    b > 33 0b 0005 '{t}/w' 0001 'up'
    b < 40 02 0001
    b > 82 0a 0002 0005 '{t}/w' 00
    b <* 90 03 0002 00 | 31 09 0005 '{t}/w' 'up'
    a > CONNECT 26 003c 0003 '{a}' 0005 '{t}/w' 0000
    a < 20 02 00 00
    a drop
    b < 30 07 0005 '{t}/w'
    c connects 02
    c > 82 0a 0001 0005 '{t}/w' 00
    c < 90 03 0001 00
    c quiet
  `,
  ),
  dialogue(
    ["MQTT-4.7.1-1"],
    "a CONNECT whose will topic has a wildcard is not accepted",
    [3, 4],
    `
    a > CONNECT 06 003c 0003 '{a}' 0005 '{t}/#' 0004 'gone'
    a closed
    b > CONNECT 06 003c 0003 '{b}' 0005 '{t}/+' 0004 'gone'
    b closed
  `,
  ),
  dialogue(
    ["MQTT-4.7.3-1"],
    "a CONNECT whose will topic is empty is not accepted",
    [3, 4],
    `
    a > CONNECT 06 003c 0003 '{a}' 0000 0004 'gone'
    a closed
  `,
  ),
];
