// PUBLISH at the three qualities of service, to and from the server (§3.3 – §3.7, §4.3).

import { dialogue } from "../dialogue.ts";

export const publish = [
  dialogue(
    ["MQTT-4.3.1-1", "MQTT-2.3.1-5", "MQTT-3.3.2-1"],
    "a QoS 0 message is delivered with DUP 0 and without a packet identifier",
    [3, 4],
    `
    a connects 02
    a > 82 0a 0001 0005 '{t}/a' 02
    a < 90 03 0001 02
    b connects 02
    b > 30 09 0005 '{t}/a' 'hi'
    a < 30 09 0005 '{t}/a' 'hi'
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.3.4-1", "MQTT-2.3.1-6"],
    "QoS 0 is not acknowledged, QoS 1 by PUBACK and QoS 2 by PUBREC with the same packet identifier",
    [3, 4],
    `
    b connects 02
    b > 30 09 0005 '{t}/a' 'hi'
    b quiet
    b > 32 0b 0005 '{t}/a' 0001 'hi'
    b < 40 02 0001
    b > 32 0b 0005 '{t}/a' ffff 'hi'
    b < 40 02 ffff
    b > 34 0b 0005 '{t}/a' 8000 'hi'
    b < 50 02 8000
    b > 62 02 8000
    b < 70 02 8000
    b quiet
  `,
  ),
  dialogue(
    ["MQTT-4.3.2-1", "MQTT-2.3.1-1", "MQTT-2.3.1-4"],
    "a QoS 1 message is delivered with DUP 0 and an unused packet identifier until PUBACK",
    [3, 4],
    `
    a connects 02
    a > 82 0a 0001 0005 '{t}/a' 01
    a < 90 03 0001 01
    b connects 02
    b > 32 0b 0005 '{t}/a' 0001 'm1' 32 0b 0005 '{t}/a' 0002 'm2' 32 0b 0005 '{t}/a' 0003 'm3'
    b < 40 02 0001 40 02 0002 40 02 0003
    a < 32 0b 0005 '{t}/a' $p 'm1' 32 0b 0005 '{t}/a' $q 'm2' 32 0b 0005 '{t}/a' $r 'm3'
    differ p q r
    a > 40 02 $q
    b > 32 0b 0005 '{t}/a' 0001 'm4'
    b < 40 02 0001
    a < 32 0b 0005 '{t}/a' $s 'm4'
    differ p r s
    a > 40 02 $p 40 02 $r 40 02 $s
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-4.3.2-2"],
    "after PUBACK a PUBLISH with the same packet identifier is a new message, whatever its DUP",
    [3, 4],
    `
    a connects 02
    a > 82 0a 0001 0005 '{t}/a' 00
    a < 90 03 0001 00
    b connects 02
    b > 32 0b 0005 '{t}/a' 0001 'm1'
    b < 40 02 0001
    a < 30 09 0005 '{t}/a' 'm1'
    b > 3a 0b 0005 '{t}/a' 0001 'm1'
    b < 40 02 0001
    a < 30 09 0005 '{t}/a' 'm1'
    b > 32 0b 0005 '{t}/a' 0001 'm2'
    b < 40 02 0001
    a < 30 09 0005 '{t}/a' 'm2'
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-4.3.3-1", "MQTT-2.3.1-6"],
    "a QoS 2 message is delivered by PUBLISH with DUP 0, PUBREL and the same packet identifier",
    [3, 4],
    `
    a connects 02
    a > 82 0a 0001 0005 '{t}/a' 02
    a < 90 03 0001 02
    b connects 02
    b > 34 0b 0005 '{t}/a' 0001 'hi'
    b < 50 02 0001
    b > 62 02 0001
    b < 70 02 0001
    a < 34 0b 0005 '{t}/a' $p 'hi'
    a > 50 02 $p
    a < 62 02 $p
    a > 70 02 $p
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-4.3.3-1"],
    "a repeated PUBREC is answered by PUBREL again, and the message is not sent again",
    [3, 4],
    `
    a connects 02
    a > 82 0a 0001 0005 '{t}/a' 02
    a < 90 03 0001 02
    b connects 02
    b > 34 0b 0005 '{t}/a' 0001 'hi'
    b < 50 02 0001
    b > 62 02 0001
    b < 70 02 0001
    a < 34 0b 0005 '{t}/a' $p 'hi'
    a > 50 02 $p
    a < 62 02 $p
    a > 50 02 $p
    a < 62/6a 02 $p
    a > 70 02 $p
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-4.3.3-2"],
    "until PUBREL a PUBLISH with the same packet identifier gets PUBREC and is delivered once",
    [3, 4],
    `
    a connects 02
    a > 82 0a 0001 0005 '{t}/a' 01
    a < 90 03 0001 01
    b connects 02
    b > 34 0b 0005 '{t}/a' 0001 'm1'
    b < 50 02 0001
    b > 3c 0b 0005 '{t}/a' 0001 'm1'
    b < 50 02 0001
    b > 3c 0b 0005 '{t}/a' 0001 'm1'
    b < 50 02 0001
    b > 62 02 0001
    b < 70 02 0001
    a < 32 0b 0005 '{t}/a' $p 'm1'
    a > 40 02 $p
    b > 32 0b 0005 '{t}/a' 0002 'm2'
    b < 40 02 0002
    a < 32 0b 0005 '{t}/a' $q 'm2'
    a > 40 02 $q
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-4.3.3-2"],
    "after PUBCOMP a PUBLISH with the same packet identifier is a new message",
    [3, 4],
    `
    a connects 02
    a > 82 0a 0001 0005 '{t}/a' 01
    a < 90 03 0001 01
    b connects 02
    b > 34 0b 0005 '{t}/a' 0001 'm1'
    b < 50 02 0001
    b > 62 02 0001
    b < 70 02 0001
    a < 32 0b 0005 '{t}/a' $p 'm1'
    a > 40 02 $p
    b > 3c 0b 0005 '{t}/a' 0001 'm2'
    b < 50 02 0001
    b > 62 02 0001
    b < 70 02 0001
    a < 32 0b 0005 '{t}/a' $q 'm2'
    a > 40 02 $q
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-4.3.3-2"],
    "PUBREL is answered by PUBCOMP also where it is repeated or its packet identifier is unknown",
    [3, 4],
    `
    b connects 02
    b > 34 0b 0005 '{t}/a' 0001 'hi'
    b < 50 02 0001
    b > 62 02 0001
    b < 70 02 0001
    b > 62 02 0001
    b < 70 02 0001
    b > 62 02 7777
    b < 70 02 7777
  `,
  ),
  dialogue(
    ["MQTT-4.3.3-2"],
    "QoS 2 publishes interleave by their packet identifiers",
    [3, 4],
    `
    a connects 02
    a > 82 0a 0001 0005 '{t}/a' 00
    a < 90 03 0001 00
    b connects 02
    b > 34 0b 0005 '{t}/a' 0001 'm1' 34 0b 0005 '{t}/a' 0002 'm2'
    b < 50 02 0001 50 02 0002
    b > 62 02 0001 62 02 0002
    b < 70 02 0001 70 02 0002
    a < 30 09 0005 '{t}/a' 'm1' 30 09 0005 '{t}/a' 'm2'
    a quiet
  `,
  ),
  dialogue(
    [],
    "acknowledgements of packet identifiers that are not in use change nothing",
    [3, 4],
    `
    a connects 02
    a > 40 02 7777
    a > 70 02 7777
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.3.1-3"],
    "the DUP flag of an incoming PUBLISH is not passed on",
    [3, 4],
    `
    a connects 02
    a > 82 0a 0001 0005 '{t}/a' 02
    a < 90 03 0001 02
    b connects 02
    b > 3a 0b 0005 '{t}/a' 0001 'm1'
    b < 40 02 0001
    a < 32 0b 0005 '{t}/a' $p 'm1'
    a > 40 02 $p
    b > 3c 0b 0005 '{t}/a' 0002 'm2'
    b < 50 02 0002
    b > 62 02 0002
    b < 70 02 0002
    a < 34 0b 0005 '{t}/a' $q 'm2'
  `,
  ),
  dialogue(
    ["MQTT-3.3.1-2"],
    "a QoS 0 PUBLISH with DUP closes the connection",
    [4],
    `
    b connects 02
    b > 38 09 0005 '{t}/a' 'hi'
    b closed
  `,
  ),
  dialogue(
    ["MQTT-3.3.1-4"],
    "a PUBLISH with both QoS bits set closes the connection",
    [3, 4],
    `
    a connects 02
    a > 82 0a 0001 0005 '{t}/a' 02
    a < 90 03 0001 02
    b connects 02
    b > 36 0b 0005 '{t}/a' 0001 'hi'
    b closed
    c connects 02
    c > 3f 0b 0005 '{t}/a' 0001 'hi'
    c closed
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-2.3.1-1"],
    "a QoS 1 or 2 PUBLISH with packet identifier 0 closes the connection",
    [3, 4],
    `
    b connects 02
    b > 32 0b 0005 '{t}/a' 0000 'hi'
    b closed
    b connects 02
    b > 34 0b 0005 '{t}/a' 0000 'hi'
    b closed
  `,
  ),
  dialogue(
    ["MQTT-2.3.1-5"],
    "a QoS 0 PUBLISH has no packet identifier: what follows the topic is payload",
    [3, 4],
    `
    a connects 02
    a > 82 0a 0001 0005 '{t}/a' 00
    a < 90 03 0001 00
    b connects 02
    b > 30 0b 0005 '{t}/a' 0001 'hi'
    a < 30 0b 0005 '{t}/a' 0001 'hi'
  `,
  ),
  dialogue(
    [],
    "a payload may be empty, and may hold any bytes",
    [3, 4],
    `
    a connects 02
    a > 82 0a 0001 0005 '{t}/a' 00
    a < 90 03 0001 00
    b connects 02
    b > 30 07 0005 '{t}/a'
    a < 30 07 0005 '{t}/a'
    b > 30 0c 0005 '{t}/a' 00 ff c0 80 fe
    a < 30 0c 0005 '{t}/a' 00 ff c0 80 fe
  `,
  ),
  dialogue(
    [],
    "remaining lengths of one, two and three bytes are read and written",
    [3, 4],
    `
    a connects 02
    a > 82 0a 0001 0005 '{t}/a' 00
    a < 90 03 0001 00
    b connects 02
    b > 30 7f 0005 '{t}/a' 'x'*120
    a < 30 7f 0005 '{t}/a' 'x'*120
    b > 30 80 01 0005 '{t}/a' 'x'*121
    a < 30 80 01 0005 '{t}/a' 'x'*121
    b > 30 ff 7f 0005 '{t}/a' 'x'*16376
    a < 30 ff 7f 0005 '{t}/a' 'x'*16376
    b > 30 80 80 01 0005 '{t}/a' 'x'*16377
    a < 30 80 80 01 0005 '{t}/a' 'x'*16377
  `,
  ),
  dialogue(
    ["MQTT-3.3.5-2"],
    "a PUBLISH that nobody may make is acknowledged or closes the connection, and is not delivered",
    [3, 4],
    `
    a connects 02
    a > 82 14 0001 000f '$SYS/broker/{t}' 02
    a < 90 03 0001 02
    b connects 02
    b > 32 15 000f '$SYS/broker/{t}' 0001 'hi'
    b <? 40 02 0001
    a quiet
  `,
  ),
];
