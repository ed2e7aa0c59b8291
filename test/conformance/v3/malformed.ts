// Packets that are not as §2 and §3 have them: each closes the connection that sent it [MQTT-4.8.0-1], and the bystander
// of every dialogue notices nothing.

import { dialogue } from "../dialogue.ts";

const UNRELEASED = 4_096; // more QoS 2 publishes without PUBREL than a client may leave open

const hex16 = (n: number): string => n.toString(16).padStart(4, "0");
const each = (line: (id: string) => string): string =>
  Array.from({ length: UNRELEASED }, (_, at) => line(hex16(at + 1))).join(" ");

export const malformed = [
  dialogue(
    ["MQTT-2.2.2-1", "MQTT-2.2.2-2"],
    "a CONNECT with flags in its fixed header is closed without CONNACK",
    [4],
    `
    a > 11 0f 0004 'MQTT' 04 02 003c 0003 '{a}'
    a closed
  `,
  ),
  dialogue(
    ["MQTT-2.2.2-1", "MQTT-2.2.2-2"],
    "acknowledgements and PINGREQ with flags in their fixed header close the connection",
    [4],
    `
    a connects 02
    a > 41 02 0001 (PUBACK)
    a closed
    a connects 02
    a > 52 02 0001 (PUBREC)
    a closed
    a connects 02
    a > 78 02 0001 (PUBCOMP)
    a closed
    a connects 02
    a > c1 00 (PINGREQ)
    a closed
  `,
  ),
  dialogue(
    ["MQTT-3.6.1-1", "MQTT-2.2.2-2"],
    "a PUBREL with other flags than 0010 closes the connection",
    [4],
    `
    a connects 02
    a > 60 02 0001
    a closed
    a connects 02
    a > 63 02 0001
    a closed
    a connects 02
    a > 6a 02 0001
    a closed
  `,
  ),
  dialogue(
    ["MQTT-3.14.1-1"],
    "a DISCONNECT with flags closes the connection as a violation: the will is published",
    [4],
    `
    b connects 02
    b > 82 0a 0001 0005 '{t}/w' 00
    b < 90 03 0001 00
    a > CONNECT 06 003c 0003 '{a}' 0005 '{t}/w' 0004 'gone'
    a < 20 02 00 00
    a > e1 00
    a closed
    b < 30 0b 0005 '{t}/w' 'gone'
  `,
  ),
  dialogue(
    ["MQTT-4.8.0-1"],
    "packet types 0 and 15 close the connection",
    [3, 4],
    `
    a connects 02
    a > 00 00
    a closed
    a connects 02
    a > f0 00
    a closed
  `,
  ),
  dialogue(
    ["MQTT-4.8.0-1"],
    "packets that only a server sends close the connection",
    [3, 4],
    `
    a connects 02
    a > 20 02 00 00 (CONNACK)
    a closed
    a connects 02
    a > 90 03 0001 00 (SUBACK)
    a closed
    a connects 02
    a > b0 02 0001 (UNSUBACK)
    a closed
    a connects 02
    a > d0 00 (PINGRESP)
    a closed
  `,
  ),
  dialogue(
    ["MQTT-4.8.0-1"],
    "a remaining length of more than four bytes closes the connection",
    [3, 4],
    `
    a connects 02
    a > 30 ff ff ff ff 01
    a closed
    b > 10 80 80 80 80 01
    b closed
  `,
  ),
  dialogue(
    ["MQTT-4.8.0-1"],
    "packets longer or shorter than their fields close the connection",
    [3, 4],
    `
    a connects 02
    a > 40 01 00 (PUBACK)
    a closed
    a connects 02
    a > 40 03 0001 00
    a closed
    a connects 02
    a > 62 01 00 (PUBREL)
    a closed
    a connects 02
    a > c0 01 00 (PINGREQ)
    a closed
    a connects 02
    a > 30 04 0005 '{t}' (PUBLISH)
    a closed
    a connects 02
    a > 32 05 0003 '{t}'
    a closed
    a connects 02
    a > 82 01 00 (SUBSCRIBE)
    a closed
  `,
  ),
  dialogue(
    ["MQTT-4.8.0-1"],
    "a packet above the size limit closes the connection at its header",
    [3, 4],
    `
    a connects 02
    a > 30 81 80 40 0005 '{t}/a' (1 MiB and a byte remaining)
    a closed
    b connects 02
    b > 30 ff ff ff 7f 0005 '{t}/a' (256 MiB)
    b closed
    c > 10 81 80 40 0004 'MQTT' 04 02 003c 0003 '{c}'
    c closed
  `,
  ),
  dialogue(
    ["MQTT-4.8.0-1"],
    "nothing that follows a violation in the same frame is processed",
    [3, 4],
    `
    b connects 02
    b > 82 0a 0001 0005 '{t}/#' 01
    b < 90 03 0001 01
    a connects 02
    a > 36 0b 0005 '{t}/a' 0001 'm1' 32 0b 0005 '{t}/a' 0002 'm2' 82 0a 0003 0005 '{t}/a' 00
    a closed
    b quiet
  `,
  ),
  dialogue(
    ["MQTT-4.8.0-1"],
    "what came before a violation in the same frame is processed",
    [3, 4],
    `
    b connects 02
    b > 82 0a 0001 0005 '{t}/#' 00
    b < 90 03 0001 00
    a connects 02
    a > 30 09 0005 '{t}/a' 'm1' 36 0b 0005 '{t}/a' 0001 'm2'
    a closed
    b < 30 09 0005 '{t}/a' 'm1'
    b quiet
  `,
  ),
  dialogue(
    ["MQTT-4.8.0-2"],
    "a QoS 2 PUBLISH beyond what the server keeps open closes the connection unacknowledged",
    [3, 4],
    `
    b connects 02
    b > ${each((id) => `34 0b 0005 '{t}/a' ${id} 'hi'`)}
    b < ${each((id) => `50 02 ${id}`)}
    b > 34 0b 0005 '{t}/a' 1001 'hi'
    b closed
  `,
  ),
  dialogue(
    ["MQTT-3.14.4-3"],
    "nothing that follows DISCONNECT is processed, and the server closes",
    [3, 4],
    `
    b connects 02
    b > 82 0a 0001 0005 '{t}/#' 01
    b < 90 03 0001 01
    a connects 02
    a > e0 00 32 0b 0005 '{t}/a' 0001 'hi'
    a closed
    b quiet
  `,
  ),
  dialogue(
    ["MQTT-3.12.4-1"],
    "PINGREQ is answered by PINGRESP, each by one",
    [3, 4],
    `
    a connects 02
    a > c0 00
    a < d0 00
    a > c0 00 c0 00 c0 00
    a < d0 00 d0 00 d0 00
    a quiet
  `,
  ),
];
