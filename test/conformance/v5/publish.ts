// The form of PUBLISH and of its acknowledgements, and their reason codes (§2.2.1, §3.3.1, §3.3.2.1, §3.3.4, §3.4 – §3.7).

import { dialogue } from "../dialogue.ts";

export const publish = [
  dialogue(
    ["MQTT-2.2.1-2", "MQTT-2.2.2-1", "MQTT-3.3.1-2", "MQTT-3.3.2-1", "MQTT-4.3.1-1"],
    "a QoS 0 message is delivered with DUP 0, its topic name, no packet identifier and a property length",
    [5],
    `
    a connects 02
    a > 82 0b 0001 00 0005 '{t}/a' 02
    a < 90 04 0001 00 02
    b connects 02
    b > 30 0a 0005 '{t}/a' 00 'hi'
    a < 30 0a 0005 '{t}/a' 00 'hi'
    b > 30 0c 0005 '{t}/a' 00 0001 'hi' (what follows the topic name is the property length, then payload)
    a < 30 0c 0005 '{t}/a' 00 0001 'hi'
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.3.1-2"],
    "a QoS 0 PUBLISH with DUP is told 0x81",
    [5],
    `
    b connects 02
    b > 38 0a 0005 '{t}/a' 00 'hi'
    b told 81
  `,
  ),
  dialogue(
    ["MQTT-3.3.1-4"],
    "a PUBLISH with both QoS bits set is told 0x81 and is not delivered",
    [5],
    `
    a connects 02
    a > 82 0b 0001 00 0005 '{t}/a' 02
    a < 90 04 0001 00 02
    b connects 02
    b > 36 0c 0005 '{t}/a' 0001 00 'hi'
    b told 81
    c connects 02
    c > 3f 0c 0005 '{t}/a' 0001 00 'hi'
    c told 81
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-2.2.1-3"],
    "a QoS 1 or 2 PUBLISH with packet identifier 0 is told 0x82",
    [5],
    `
    b connects 02
    b > 32 0c 0005 '{t}/a' 0000 00 'hi'
    b told 82
    b connects 02
    b > 34 0c 0005 '{t}/a' 0000 00 'hi'
    b told 82
  `,
  ),
  dialogue(
    ["MQTT-2.2.2-1", "MQTT-3.3.2-1"],
    "a PUBLISH that ends before its topic name, packet identifier or properties do is told 0x81",
    [5],
    `
    b connects 02
    b > 30 00
    b told 81
    b connects 02
    b > 30 06 0005 '{t}/'
    b told 81
    b connects 02
    b > 32 08 0005 '{t}/a' 00
    b told 81
    b connects 02
    b > 30 07 0005 '{t}/a' (no property length)
    b told 81
    b connects 02
    b > 30 0a 0005 '{t}/a' 03 01 01
    b told 81
    b connects 02
    b > 30 09 0005 '{t}/a' 01 02
    b told 81
  `,
  ),
  dialogue(
    ["MQTT-3.3.2-3"],
    "a message comes with the topic name that it was published with and that the filter matches",
    [5],
    `
    a connects 02
    a > 82 0b 0001 00 0005 '{t}/+' 00
    a < 90 04 0001 00 00
    b connects 02
    b > 30 0a 0005 '{t}/a' 00 'm1' 30 09 0003 '{t}' 00 'm02' 30 0a 0005 '{t}/A' 00 'm3' 30 0c 0007 '{t}/a/b' 00 'm4' 30 09 0004 '{t}/' 00 'm5'
    a < 30 0a 0005 '{t}/a' 00 'm1' 30 0a 0005 '{t}/A' 00 'm3' 30 09 0004 '{t}/' 00 'm5'
    a quiet
  `,
  ),
  dialogue(
    [
      "MQTT-2.2.1-5",
      "MQTT-3.3.4-1",
      "MQTT-3.4.2-1",
      "MQTT-3.5.2-1",
      "MQTT-3.7.2-1",
      "MQTT-4.3.2-4",
      "MQTT-4.3.3-8",
      "MQTT-4.3.3-11",
    ],
    "QoS 0 is not answered, QoS 1 by PUBACK, QoS 2 by PUBREC and PUBCOMP, with its packet identifier and nothing more",
    [5],
    `
    a connects 02
    a > 82 0b 0001 00 0005 '{t}/a' 00
    a < 90 04 0001 00 00
    b connects 02
    b > 30 0a 0005 '{t}/a' 00 'hi'
    b quiet
    b > 32 0c 0005 '{t}/a' 0001 00 'hi'
    b < 40 02 0001
    b > 32 0c 0005 '{t}/a' ffff 00 'hi'
    b < 40 02 ffff
    b > 34 0c 0005 '{t}/a' 8000 00 'hi'
    b < 50 02 8000
    b > 62 02 8000
    b < 70 02 8000
    b quiet
  `,
  ),
  dialogue(
    ["MQTT-3.4.2-1", "MQTT-3.5.2-1"],
    "a message that nobody subscribes to is acknowledged with 0x10, one that is retained or waits for a client with 0",
    [5],
    `
    b connects 02
    b > 32 0c 0005 '{t}/a' 0001 00 'm1'
    b < 40 03 0001 10
    b > 34 0c 0005 '{t}/a' 0002 00 'm2'
    b <~ 50 0002 (0x10, or 0 where the owner of the topic was not waited for)
    b > 62 02 0002
    b < 70 02 0002
    a connects 00 11 00000e10
    a > 82 0b 0001 00 0005 '{t}/a' 01
    a < 90 04 0001 00 01
    b > 32 0c 0005 '{t}/b' 0003 00 'm3'
    b < 40 03 0003 10
    b > 33 0c 0005 '{t}/b' 0003 00 'r3'
    b < 40 02 0003
    b > 31 08 0005 '{t}/b' 00
    a drop
    b > 32 0c 0005 '{t}/a' 0004 00 'm4'
    b < 40 02 0004
    b > 34 0c 0005 '{t}/a' 0005 00 'm5'
    b < 50 02 0005
  `,
  ),
  dialogue(
    ["MQTT-3.4.2-1", "MQTT-3.5.2-1", "MQTT-3.7.2-1", "MQTT-4.3.3-9"],
    "a message that nobody may publish is refused with 0x87, and its packet identifier is free",
    [5],
    `
    a connects 02
    a > 82 15 0001 00 000f '$SYS/broker/{t}' 02
    a < 90 04 0001 00 02
    a > 82 0b 0002 00 0005 '{t}/a' 00
    a < 90 04 0002 00 00
    b connects 02
    b > 30 14 000f '$SYS/broker/{t}' 00 'm0'
    b > 32 16 000f '$SYS/broker/{t}' 0001 00 'm1'
    b <~ 40 0001 87
    b > 34 16 000f '$SYS/broker/{t}' 0002 00 'm2'
    b <~ 50 0002 87
    b > 62 02 0002
    b < 70 03 0002 92
    b > 34 16 000f '$SYS/broker/{t}' 0002 00 'm3'
    b <~ 50 0002 87
    b > 34 0c 0005 '{t}/a' 0002 00 'm4'
    b < 50 02 0002
    a < 30 0a 0005 '{t}/a' 00 'm4'
    b > 62 02 0002
    b < 70 02 0002
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.4.2-2", "MQTT-3.5.2-2"],
    "a reason string that would pass the client's maximum packet size is left out of PUBACK and PUBREC",
    [5],
    `
    b connects 02 27 00000010
    b > 32 16 000f '$SYS/broker/{t}' 0001 00 'm1'
    b < 40 03 0001 87
    b > 34 16 000f '$SYS/broker/{t}' 0002 00 'm2'
    b < 50 03 0002 87
    b quiet
  `,
  ),
  dialogue(
    ["MQTT-3.4.2-1", "MQTT-3.5.2-1", "MQTT-3.6.2-1", "MQTT-3.7.2-1"],
    "acknowledgements with reason code, reason string and user properties are taken as the short ones",
    [5],
    `
    a connects 02 21 0001
    a > 82 0b 0001 00 0005 '{t}/a' 02
    a < 90 04 0001 00 02
    b connects 02
    b > 32 0c 0005 '{t}/a' 0001 00 'm1' 34 0c 0005 '{t}/a' 0002 00 'm2' 32 0c 0005 '{t}/a' 0003 00 'm3' 32 0c 0005 '{t}/a' 0004 00 'm4'
    b < 40 02 0001 50 02 0002 40 02 0003 40 02 0004
    b > 62 10 0002 00 0c 1f 0002 'ok' 26 0001 'k' 0001 'v'
    b < 70 02 0002
    a < 32 0c 0005 '{t}/a' $p 00 'm1'
    a > 40 10 $p 00 0c 1f 0002 'ok' 26 0001 'k' 0001 'v'
    a < 34 0c 0005 '{t}/a' $q 00 'm2'
    a > 50 10 $q 00 0c 1f 0002 'ok' 26 0001 'k' 0001 'v'
    a < 62 02 $q
    a > 70 10 $q 00 0c 1f 0002 'ok' 26 0001 'k' 0001 'v'
    a < 32 0c 0005 '{t}/a' $r 00 'm3'
    a > 40 03 $r 00
    a < 32 0c 0005 '{t}/a' $s 00 'm4'
    a > 40 04 $s 10 00
    a quiet
  `,
  ),
  dialogue(
    [],
    "a payload without properties may be empty, hold any bytes and be of every length",
    [5],
    `
    a connects 02
    a > 82 0b 0001 00 0005 '{t}/a' 00
    a < 90 04 0001 00 00
    b connects 02
    b > 30 08 0005 '{t}/a' 00
    a < 30 08 0005 '{t}/a' 00
    b > 30 0d 0005 '{t}/a' 00 00 ff c0 80 fe
    a < 30 0d 0005 '{t}/a' 00 00 ff c0 80 fe
    b > 30 7f 0005 '{t}/a' 00 'x'*119
    a < 30 7f 0005 '{t}/a' 00 'x'*119
    b > 30 80 01 0005 '{t}/a' 00 'x'*120
    a < 30 80 01 0005 '{t}/a' 00 'x'*120
    b > 30 80 80 01 0005 '{t}/a' 00 'x'*16376
    a < 30 80 80 01 0005 '{t}/a' 00 'x'*16376
  `,
  ),
];
