// Malformed packets and protocol errors (§2.1, §4.13): each closes the connection that sent it, with DISCONNECT and the
// reason code, and the bystander of every dialogue notices nothing. PINGREQ (§3.12).

import { dialogue } from "../dialogue.ts";

export const malformed = [
  dialogue(
    ["MQTT-2.1.3-1", "MQTT-4.13.1-1"],
    "a CONNECT with flags in its fixed header is closed without CONNACK",
    [5],
    `
    a > 11 10 0004 'MQTT' 05 02 003c 00 0003 '{a}'
    a closed
  `,
  ),
  dialogue(
    ["MQTT-2.1.3-1", "MQTT-3.15.1-1", "MQTT-4.13.1-1"],
    "acknowledgements, PINGREQ and AUTH with flags in their fixed header are malformed packets",
    [5],
    `
    a connects 02
    a > 41 02 0001 (PUBACK)
    a told 81
    a connects 02
    a > 52 02 0001 (PUBREC)
    a told 81
    a connects 02
    a > 78 02 0001 (PUBCOMP)
    a told 81
    a connects 02
    a > c1 00 (PINGREQ)
    a told 81
    a connects 02
    a > f1 06 19 04 15 0001 'm' (AUTH)
    a told 81
    a connects 02
    a > f8 00
    a told 81
  `,
  ),
  dialogue(
    ["MQTT-3.6.1-1", "MQTT-2.1.3-1"],
    "a PUBREL with other flags than 0010 is a malformed packet",
    [5],
    `
    a connects 02
    a > 60 02 0001
    a told 81
    a connects 02
    a > 63 02 0001
    a told 81
    a connects 02
    a > 6a 02 0001
    a told 81
  `,
  ),
  dialogue(
    ["MQTT-3.14.1-1", "MQTT-2.1.3-1"],
    "a DISCONNECT with flags is answered with DISCONNECT 0x81, and the will is published",
    [5],
    `
    b connects 02
    b > 82 0b 0001 00 0005 '{t}/w' 00
    b < 90 04 0001 00 00
    a > CONNECT 06 003c 00 0003 '{a}' 00 0005 '{t}/w' 0004 'gone'
    a < 20 0e 00 00 0b {limits}
    a > e1 00
    a told 81
    b < 30 0c 0005 '{t}/w' 00 'gone'
  `,
  ),
  dialogue(
    ["MQTT-4.13.1-1", "MQTT-4.13.2-1"],
    "packet type 0 is a malformed packet, and packets that only a server sends are protocol errors",
    [5],
    `
    a connects 02
    a > 00 00
    a told 81
    a connects 02
    a > 20 03 00 00 00 (CONNACK)
    a told 82
    a connects 02
    a > 90 04 0001 00 00 (SUBACK)
    a told 82
    a connects 02
    a > b0 04 0001 00 00 (UNSUBACK)
    a told 82
    a connects 02
    a > d0 00 (PINGRESP)
    a told 82
  `,
  ),
  dialogue(
    ["MQTT-4.13.1-1"],
    "packets longer or shorter than their fields are malformed packets",
    [5],
    `
    a connects 02
    a > 40 01 00 (PUBACK)
    a told 81
    a connects 02
    a > 40 05 0001 00 00 00
    a told 81
    a connects 02
    a > 62 01 00 (PUBREL)
    a told 81
    a connects 02
    a > c0 01 00 (PINGREQ)
    a told 81
    a connects 02
    a > 30 05 0003 '{t}' (PUBLISH without a property length)
    a told 81
    a connects 02
    a > 32 06 0003 '{t}' 00
    a told 81
    a connects 02
    a > 82 02 0001 (SUBSCRIBE)
    a told 81
    a connects 02
    a > a2 01 00 (UNSUBSCRIBE)
    a told 81
    a connects 02
    a > e0 03 00 00 00 (DISCONNECT)
    a told 81
    a connects 02
    a > e0 02 00 05
    a told 81
  `,
  ),
  dialogue(
    ["MQTT-4.13.1-1"],
    "a list of properties longer than its packet, or a property longer than its list, is a malformed packet",
    [5],
    `
    a connects 02
    a > 30 0c 0005 '{t}/a' 09 01 00 'hi'
    a told 81
    a connects 02
    a > 30 0f 0005 '{t}/a' 03 02 0000 0001 'hi'
    a told 81
    a connects 02
    a > 82 0c 0001 7f 1f 0001 'x' 0003 '{t}'
    a told 81
    a > CONNECT 02 003c 04 11 0000 0001 0003 '{a}'
    a refused 81
    a > CONNECT 02 003c 7f 0003 '{a}'
    a refused 81
  `,
  ),
  dialogue(
    ["MQTT-4.13.1-1", "MQTT-4.13.2-1"],
    "a packet above the maximum packet size is answered with 0x95 at its header",
    [5],
    `
    a connects 02
    a > 30 fd ff 3f 0005 '{t}/a' 00 (1 MiB and a byte, all in all)
    a told 95
    b connects 02
    b > 32 ff ff ff 7f 0005 '{t}/a' (256 MiB)
    b told 95
    c > 10 81 80 40 0004 'MQTT' 05 02 003c 00 0003 '{c}'
    c closed
  `,
  ),
  dialogue(
    ["MQTT-4.13.1-1", "MQTT-3.14.4-1"],
    "nothing that follows an error in the same frame is processed, and nothing follows the DISCONNECT",
    [5],
    `
    b connects 02
    b > 82 0b 0001 00 0005 '{t}/#' 01
    b < 90 04 0001 00 01
    a connects 02
    a > 36 0c 0005 '{t}/a' 0001 00 'm1' 32 0c 0005 '{t}/a' 0002 00 'm2' 82 0b 0003 00 0005 '{t}/a' 00
    a told 81
    b quiet
  `,
  ),
  dialogue(
    ["MQTT-4.13.1-1"],
    "what came before an error in the same frame is processed",
    [5],
    `
    b connects 02
    b > 82 0b 0001 00 0005 '{t}/#' 00
    b < 90 04 0001 00 00
    a connects 02
    a > 30 0a 0005 '{t}/a' 00 'm1' 00 00
    a told 81
    b < 30 0a 0005 '{t}/a' 00 'm1'
    b quiet
  `,
  ),
  dialogue(
    ["MQTT-4.13.2-1", "MQTT-4.13.1-1"],
    "an error ends the connection, its will is published, and the session and those of others stay",
    [5],
    `
    b connects 02
    b > 82 0b 0001 00 0005 '{t}/w' 01
    b < 90 04 0001 00 01
    a > CONNECT 0c 003c 05 11 00000064 0003 '{a}' 00 0005 '{t}/w' 0004 'gone'
    a < 20 0e 00 00 0b {limits}
    a > 82 0b 0001 00 0005 '{t}/a' 01
    a < 90 04 0001 00 01
    a > 34 0c 0005 '{t}/b' 0000 00 'hi'
    a told 82
    b < 32 0e 0005 '{t}/w' $p 00 'gone'
    b > 32 0c 0005 '{t}/a' 0002 00 'm1'
    b < 40 02 0002
    a resumes 00
    a < 32 0c 0005 '{t}/a' $q 00 'm1'
  `,
  ),
  dialogue(
    ["MQTT-4.13.2-1"],
    "an acknowledgement with an error code has no consequence for the connection",
    [5],
    `
    a connects 02
    a > 82 0b 0001 00 0005 '{t}/a' 02
    a < 90 04 0001 00 02
    b connects 02
    b > 32 0c 0005 '{t}/a' 0001 00 'm1' 34 0c 0005 '{t}/a' 0002 00 'm2' 32 0c 0005 '{t}/a' 0003 00 'm3'
    b < 40 02 0001 50 02 0002 40 02 0003
    a < 32 0c 0005 '{t}/a' $p 00 'm1' 34 0c 0005 '{t}/a' $q 00 'm2' 32 0c 0005 '{t}/a' $r 00 'm3'
    a > 40 0f $p 99 0b 1f 0001 'x' 26 0001 'n' 0001 'v'
    a > 50 04 $q 97 00
    a > 40 03 $r 80
    a quiet
    b > 32 0c 0005 '{t}/a' 0004 00 'm4'
    b < 40 02 0004
    a < 32 0c 0005 '{t}/a' $s 00 'm4'
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.12.4-1"],
    "PINGREQ is answered by PINGRESP, each by one",
    [5],
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
