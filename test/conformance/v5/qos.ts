// The exchanges of QoS 1 and 2, to and from the server (§4.3).

import { dialogue } from "../dialogue.ts";

export const qos = [
  dialogue(
    ["MQTT-2.2.1-4", "MQTT-4.3.2-1", "MQTT-4.3.2-2", "MQTT-4.3.2-3"],
    "a QoS 1 message has DUP 0 and a packet identifier that is its own until PUBACK",
    [5],
    `
    a connects 02
    a > 82 0b 0001 00 0005 '{t}/a' 01
    a < 90 04 0001 00 01
    b connects 02
    b > 32 0c 0005 '{t}/a' 0001 00 'm1' 32 0c 0005 '{t}/a' 0002 00 'm2' 32 0c 0005 '{t}/a' 0003 00 'm3'
    b < 40 02 0001 40 02 0002 40 02 0003
    a < 32 0c 0005 '{t}/a' $p 00 'm1' 32 0c 0005 '{t}/a' $q 00 'm2' 32 0c 0005 '{t}/a' $r 00 'm3'
    differ p q r
    a > 40 02 $q
    b > 32 0c 0005 '{t}/a' 0001 00 'm4'
    b < 40 02 0001
    a < 32 0c 0005 '{t}/a' $s 00 'm4'
    differ p r s
    a > 40 02 $p 40 02 $r 40 02 $s
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-4.3.2-5"],
    "after its PUBACK a packet identifier stands for a new message, whatever the DUP",
    [5],
    `
    a connects 02
    a > 82 0b 0001 00 0005 '{t}/a' 00
    a < 90 04 0001 00 00
    b connects 02
    b > 32 0c 0005 '{t}/a' 0001 00 'm1'
    b < 40 02 0001
    a < 30 0a 0005 '{t}/a' 00 'm1'
    b > 3a 0c 0005 '{t}/a' 0001 00 'm1'
    b < 40 02 0001
    a < 30 0a 0005 '{t}/a' 00 'm1'
    b > 32 0c 0005 '{t}/a' 0001 00 'm2'
    b < 40 02 0001
    a < 30 0a 0005 '{t}/a' 00 'm2'
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-2.2.1-4", "MQTT-2.2.1-5", "MQTT-3.6.2-1", "MQTT-4.3.3-1", "MQTT-4.3.3-2", "MQTT-4.3.3-4"],
    "a QoS 2 message has DUP 0 and a packet identifier of its own, and PUBREC is answered by PUBREL with it",
    [5],
    `
    a connects 02
    a > 82 0b 0001 00 0005 '{t}/a' 02
    a < 90 04 0001 00 02
    b connects 02
    b > 34 0c 0005 '{t}/a' 0001 00 'm1' 34 0c 0005 '{t}/a' 0002 00 'm2'
    b < 50 02 0001 50 02 0002
    b > 62 02 0001 62 02 0002
    b < 70 02 0001 70 02 0002
    a < 34 0c 0005 '{t}/a' $p 00 'm1' 34 0c 0005 '{t}/a' $q 00 'm2'
    differ p q
    a > 50 02 $p
    a < 62 02 $p
    a > 50 03 $q 10 (no error: no matching subscribers)
    a < 62 02 $q
    a > 70 02 $p
    a > 70 03 $q 00
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-4.3.3-4", "MQTT-4.3.3-6"],
    "a second PUBREC is answered by a second PUBREL, and the PUBLISH does not come again",
    [5],
    `
    a connects 02
    a > 82 0b 0001 00 0005 '{t}/a' 02
    a < 90 04 0001 00 02
    b connects 02
    b > 34 0c 0005 '{t}/a' 0001 00 'hi'
    b < 50 02 0001
    b > 62 02 0001
    b < 70 02 0001
    a < 34 0c 0005 '{t}/a' $p 00 'hi'
    a > 50 02 $p
    a < 62 02 $p
    a > 50 02 $p
    a < 62 02 $p
    a > 70 02 $p
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-4.3.3-4", "MQTT-4.4.0-2"],
    "a PUBREC with an error ends the message: no PUBREL comes, and the packet identifier is free",
    [5],
    `
    a connects 00 11 00000e10
    a > 82 0b 0001 00 0005 '{t}/a' 02
    a < 90 04 0001 00 02
    b connects 02
    b > 34 0c 0005 '{t}/a' 0001 00 'm1' 34 0c 0005 '{t}/a' 0002 00 'm2'
    b < 50 02 0001 50 02 0002
    b > 62 02 0001 62 02 0002
    b < 70 02 0001 70 02 0002
    a < 34 0c 0005 '{t}/a' $p 00 'm1' 34 0c 0005 '{t}/a' $q 00 'm2'
    a > 50 03 $p 80
    a quiet
    a > 50 02 $p
    a < 62 03 $p 92
    a > 50 08 $q 97 04 1f 0001 'x'
    a quiet
    a drop
    a resumes 00 11 00000e10
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-4.4.0-2"],
    "a PUBACK with an error ends the message, which is not sent again",
    [5],
    `
    a connects 00 11 00000e10
    a > 82 0b 0001 00 0005 '{t}/a' 01
    a < 90 04 0001 00 01
    b connects 02
    b > 32 0c 0005 '{t}/a' 0001 00 'm1' 32 0c 0005 '{t}/a' 0002 00 'm2'
    b < 40 02 0001 40 02 0002
    a < 32 0c 0005 '{t}/a' $p 00 'm1' 32 0c 0005 '{t}/a' $q 00 'm2'
    a > 40 03 $p 80
    a > 40 04 $q 87 00
    a quiet
    a drop
    a resumes 00 11 00000e10
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.6.2-1", "MQTT-3.7.2-1"],
    "PUBREC for an unknown packet identifier is answered by PUBREL 0x92; PUBACK and PUBCOMP for one change nothing",
    [5],
    `
    a connects 02
    a > 50 02 7777
    a < 62 03 7777 92
    a > 70 03 7777 92
    a > 50 03 7777 10
    a < 62 03 7777 92
    a > 40 02 7777
    a > 40 03 7777 91
    a > 70 02 7777
    a > 50 03 7777 80 (an error asks for no PUBREL)
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.7.2-1", "MQTT-4.3.3-11"],
    "PUBREL is answered by PUBCOMP 0, and by PUBCOMP 0x92 where it is repeated or never was expected",
    [5],
    `
    a connects 02
    a > 82 0b 0001 00 0005 '{t}/a' 00
    a < 90 04 0001 00 00
    b connects 02
    b > 34 0c 0005 '{t}/a' 0001 00 'hi'
    b < 50 02 0001
    b > 62 03 0001 00
    b < 70 02 0001
    b > 62 02 0001
    b < 70 03 0001 92
    b > 62 02 7777
    b < 70 03 7777 92
    b > 62 04 7777 92 00
    b < 70 03 7777 92
    a < 30 0a 0005 '{t}/a' 00 'hi'
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-4.3.3-10"],
    "until PUBREL the same packet identifier is answered by PUBREC and the message delivered once",
    [5],
    `
    a connects 02
    a > 82 0b 0001 00 0005 '{t}/a' 01
    a < 90 04 0001 00 01
    b connects 02
    b > 34 0c 0005 '{t}/a' 0001 00 'm1'
    b < 50 02 0001
    b > 3c 0c 0005 '{t}/a' 0001 00 'm1'
    b < 50 02 0001
    b > 3c 0c 0005 '{t}/a' 0001 00 'm1'
    b < 50 02 0001
    b > 62 02 0001
    b < 70 02 0001
    a < 32 0c 0005 '{t}/a' $p 00 'm1'
    a > 40 02 $p
    b > 32 0c 0005 '{t}/a' 0002 00 'm2'
    b < 40 02 0002
    a < 32 0c 0005 '{t}/a' $q 00 'm2'
    a > 40 02 $q
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-4.3.3-12"],
    "after its PUBCOMP a packet identifier stands for a new message, whatever the DUP",
    [5],
    `
    a connects 02
    a > 82 0b 0001 00 0005 '{t}/a' 01
    a < 90 04 0001 00 01
    b connects 02
    b > 34 0c 0005 '{t}/a' 0001 00 'm1'
    b < 50 02 0001
    b > 62 02 0001
    b < 70 02 0001
    a < 32 0c 0005 '{t}/a' $p 00 'm1'
    a > 40 02 $p
    b > 3c 0c 0005 '{t}/a' 0001 00 'm2'
    b < 50 02 0001
    b > 62 02 0001
    b < 70 02 0001
    a < 32 0c 0005 '{t}/a' $q 00 'm2'
    a > 40 02 $q
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-2.2.1-3", "MQTT-3.4.2-1"],
    "a QoS 1 PUBLISH with the packet identifier of an unfinished QoS 2 message is refused with 0x91",
    [5],
    `
    a connects 02
    a > 82 0b 0001 00 0005 '{t}/a' 00
    a < 90 04 0001 00 00
    b connects 02
    b > 34 0c 0005 '{t}/a' 0001 00 'm1'
    b < 50 02 0001
    a < 30 0a 0005 '{t}/a' 00 'm1'
    b > 32 0c 0005 '{t}/a' 0001 00 'm2'
    b <~ 40 0001 91
    a quiet
    b > 62 02 0001
    b < 70 02 0001
    b > 32 0c 0005 '{t}/a' 0001 00 'm3'
    b < 40 02 0001
    a < 30 0a 0005 '{t}/a' 00 'm3'
  `,
  ),
  dialogue(
    ["MQTT-3.3.1-3"],
    "the DUP flag of what a client publishes is not that of what subscribers get",
    [5],
    `
    a connects 02
    a > 82 0b 0001 00 0005 '{t}/a' 02
    a < 90 04 0001 00 02
    b connects 02
    b > 3a 0c 0005 '{t}/a' 0001 00 'm1'
    b < 40 02 0001
    a < 32 0c 0005 '{t}/a' $p 00 'm1'
    a > 40 02 $p
    b > 3c 0c 0005 '{t}/a' 0002 00 'm2'
    b < 50 02 0002
    b > 62 02 0002
    b < 70 02 0002
    a < 34 0c 0005 '{t}/a' $q 00 'm2'
    a > 50 02 $q
    a < 62 02 $q
    a > 70 02 $q
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-4.3.3-11"],
    "QoS 1 and 2 exchanges of one client interleave by their packet identifiers",
    [5],
    `
    a connects 02
    a > 82 0b 0001 00 0005 '{t}/a' 00
    a < 90 04 0001 00 00
    b connects 02
    b > 34 0c 0005 '{t}/a' 0001 00 'm1' 32 0c 0005 '{t}/a' 0002 00 'm2' 34 0c 0005 '{t}/a' 0003 00 'm3'
    b < 50 02 0001 40 02 0002 50 02 0003
    b > 62 02 0003 62 02 0001
    b < 70 02 0003 70 02 0001
    a < 30 0a 0005 '{t}/a' 00 'm1' 30 0a 0005 '{t}/a' 00 'm2' 30 0a 0005 '{t}/a' 00 'm3'
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.3.4-2"],
    "overlapping subscriptions get one copy, at the highest of their QoS",
    [5],
    `
    a connects 02
    a > 82 1b 0001 00 0005 '{t}/a' 00 0005 '{t}/+' 02 0005 '{t}/#' 01
    a < 90 06 0001 00 00 02 01
    b connects 02
    b > 34 0c 0005 '{t}/a' 0001 00 'm1' 32 0c 0005 '{t}/a' 0002 00 'm2' 30 0a 0005 '{t}/a' 00 'm3'
    b < 50 02 0001 40 02 0002
    b > 62 02 0001
    b < 70 02 0001
    a < 34 0c 0005 '{t}/a' $p 00 'm1' 32 0c 0005 '{t}/a' $q 00 'm2' 30 0a 0005 '{t}/a' 00 'm3'
    a > 50 02 $p 40 02 $q
    a < 62 02 $p
    a > 70 02 $p
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-4.13.1-1"],
    "an acknowledgement of the wrong kind for a message in flight is told 0x82",
    [5],
    `
    a connects 00 11 00000e10
    a > 82 0b 0001 00 0005 '{t}/a' 02
    a < 90 04 0001 00 02
    b connects 02
    b > 32 0c 0005 '{t}/a' 0001 00 'm1' 34 0c 0005 '{t}/a' 0002 00 'm2'
    b < 40 02 0001 50 02 0002
    a < 32 0c 0005 '{t}/a' $p 00 'm1' 34 0c 0005 '{t}/a' $q 00 'm2'
    a > 40 02 $q (PUBACK for QoS 2)
    a told 82
    a resumes 00 11 00000e10
    a < 3a 0c 0005 '{t}/a' $p 00 'm1' 3c 0c 0005 '{t}/a' $q 00 'm2'
    a > 50 02 $p (PUBREC for QoS 1)
    a told 82
    a resumes 00 11 00000e10
    a < 3a 0c 0005 '{t}/a' $p 00 'm1' 3c 0c 0005 '{t}/a' $q 00 'm2'
    a > 70 02 $q (PUBCOMP before PUBREC)
    a told 82
    a resumes 00 11 00000e10
    a < 3a 0c 0005 '{t}/a' $p 00 'm1' 3c 0c 0005 '{t}/a' $q 00 'm2'
    a > 40 02 $p 50 02 $q
    a < 62 02 $q
    a > 70 02 $q
    a quiet
  `,
  ),
];
