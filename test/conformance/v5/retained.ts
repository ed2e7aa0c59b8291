// Retained messages (§3.3.1.3) and the subscription options about them (§3.8.3.1). A dialogue removes what it retained.

import { dialogue } from "../dialogue.ts";

export const retained = [
  dialogue(
    ["MQTT-3.3.1-5", "MQTT-3.3.1-9"],
    "the last message with RETAIN is sent to a new subscription with RETAIN 1, at the lower QoS of both",
    [5],
    `
    b connects 02
    b > 33 0c 0005 '{t}/a' 0001 00 'r1'
    b < 40 02 0001
    b > 35 0c 0005 '{t}/a' 0002 00 'r2'
    b <~ 50 0002
    b > 62 02 0002
    b < 70 02 0002
    a connects 02
    a > 82 0b 0001 00 0005 '{t}/a' 02
    a <* 90 04 0001 00 02 | 35 0c 0005 '{t}/a' $p 00 'r2'
    a > 50 02 $p
    a < 62 02 $p
    a > 70 02 $p
    c connects 02
    c > 82 0b 0001 00 0005 '{t}/a' 01
    c <* 90 04 0001 00 01 | 33 0c 0005 '{t}/a' $q 00 'r2'
    c > 40 02 $q
    b > 31 0a 0005 '{t}/a' 00 'r3'
    a < 30 0a 0005 '{t}/a' 00 'r3'
    c < 30 0a 0005 '{t}/a' 00 'r3'
    d connects 02
    d > 82 0b 0001 00 0005 '{t}/a' 02
    d <* 90 04 0001 00 02 | 31 0a 0005 '{t}/a' 00 'r3'
    d quiet
    b > 31 08 0005 '{t}/a' 00
    d < 30 08 0005 '{t}/a' 00
  `,
  ),
  dialogue(
    ["MQTT-3.3.1-5", "MQTT-3.3.1-9"],
    "a subscription with wildcards is sent the retained message of every topic that matches",
    [5],
    `
    b connects 02
    b > 33 0c 0005 '{t}/a' 0001 00 'r1' 33 0c 0005 '{t}/b' 0002 00 'r2' 33 0e 0007 '{t}/b/c' 0003 00 'r3' 33 0a 0003 '{t}' 0004 00 'r4' 33 0c 0005 '{t}/b' 0005 00 'r5'
    b < 40 02 0001 40 02 0002 40 02 0003 40 02 0004 40 02 0005
    a connects 02
    a > 82 0b 0001 00 0005 '{t}/+' 00
    a <* 90 04 0001 00 00 | 31 0a 0005 '{t}/a' 00 'r1' | 31 0a 0005 '{t}/b' 00 'r5'
    a > 82 0b 0002 00 0005 '{t}/#' 00
    a <* 90 04 0002 00 00 | 31 0a 0005 '{t}/a' 00 'r1' | 31 0a 0005 '{t}/b' 00 'r5' | 31 0c 0007 '{t}/b/c' 00 'r3' | 31 08 0003 '{t}' 00 'r4'
    a quiet
    b > 31 08 0005 '{t}/a' 00 31 08 0005 '{t}/b' 00 31 0a 0007 '{t}/b/c' 00 31 06 0003 '{t}' 00
    a < 30 08 0005 '{t}/a' 00 30 08 0005 '{t}/b' 00 30 0a 0007 '{t}/b/c' 00 30 06 0003 '{t}' 00
  `,
  ),
  dialogue(
    ["MQTT-3.3.1-6", "MQTT-3.3.1-7"],
    "a retained message without payload reaches subscribers, removes the one before and is not stored, whatever its properties",
    [5],
    `
    b connects 02
    b > 33 0c 0005 '{t}/a' 0001 00 'r1'
    b < 40 02 0001
    a connects 02
    a > 82 0b 0001 00 0005 '{t}/a' 00
    a <* 90 04 0001 00 00 | 31 0a 0005 '{t}/a' 00 'r1'
    b > 33 11 0005 '{t}/a' 0002 07 26 0001 'k' 0001 'v'
    b < 40 02 0002
    a < 30 0f 0005 '{t}/a' 07 26 0001 'k' 0001 'v'
    c connects 02
    c > 82 0b 0001 00 0005 '{t}/a' 00
    c < 90 04 0001 00 00
    c quiet
    b > 33 0a 0005 '{t}/b' 0003 00
    b < 40 02 0003
    c > 82 0b 0002 00 0005 '{t}/b' 00
    c < 90 04 0002 00 00
    c quiet
  `,
  ),
  dialogue(
    ["MQTT-3.3.1-8"],
    "a message without RETAIN is not kept, and the retained one stays as it is",
    [5],
    `
    b connects 02
    b > 32 0c 0005 '{t}/a' 0001 00 'm1'
    b < 40 03 0001 10
    a connects 02
    a > 82 0b 0001 00 0005 '{t}/a' 00
    a < 90 04 0001 00 00
    a quiet
    b > 33 0c 0005 '{t}/a' 0002 00 'r2'
    b < 40 02 0002
    a < 30 0a 0005 '{t}/a' 00 'r2'
    b > 32 0c 0005 '{t}/a' 0003 00 'm3' 32 0a 0005 '{t}/a' 0004 00
    b < 40 02 0003 40 02 0004
    a < 30 0a 0005 '{t}/a' 00 'm3' 30 08 0005 '{t}/a' 00
    c connects 02
    c > 82 0b 0001 00 0005 '{t}/a' 00
    c <* 90 04 0001 00 00 | 31 0a 0005 '{t}/a' 00 'r2'
    c quiet
    b > 31 08 0005 '{t}/a' 00
    c < 30 08 0005 '{t}/a' 00
  `,
  ),
  dialogue(
    ["MQTT-3.3.1-9"],
    "with Retain Handling 0 the retained message is sent with every SUBSCRIBE, and not when the session is resumed",
    [5],
    `
    b connects 02
    b > 33 0c 0005 '{t}/a' 0001 00 'r1'
    b < 40 02 0001
    a connects 00 11 00000e10
    a > 82 0b 0001 00 0005 '{t}/a' 00
    a <* 90 04 0001 00 00 | 31 0a 0005 '{t}/a' 00 'r1'
    a > 82 0b 0002 00 0005 '{t}/a' 01
    a <* 90 04 0002 00 01 | 33 0c 0005 '{t}/a' $p 00 'r1'
    a > 40 02 $p
    a quiet
    a drop
    a resumes 00 11 00000e10
    a quiet
    a > 82 0b 0003 00 0005 '{t}/a' 00
    a <* 90 04 0003 00 00 | 31 0a 0005 '{t}/a' 00 'r1'
    a quiet
    b > 31 08 0005 '{t}/a' 00
    a < 30 08 0005 '{t}/a' 00
  `,
  ),
  dialogue(
    ["MQTT-3.3.1-10"],
    "with Retain Handling 1 the retained message is sent to a new subscription, and not to one that exists",
    [5],
    `
    b connects 02
    b > 33 0c 0005 '{t}/a' 0001 00 'r1'
    b < 40 02 0001
    a connects 00 11 00000e10
    a > 82 0b 0001 00 0005 '{t}/a' 10
    a <* 90 04 0001 00 00 | 31 0a 0005 '{t}/a' 00 'r1'
    a > 82 0b 0002 00 0005 '{t}/a' 11
    a < 90 04 0002 00 01
    a quiet
    a drop
    a resumes 00 11 00000e10
    a > 82 0b 0003 00 0005 '{t}/a' 10
    a < 90 04 0003 00 00
    a quiet
    a > a2 0a 0004 00 0005 '{t}/a'
    a < b0 04 0004 00 00
    a > 82 0b 0005 00 0005 '{t}/a' 10
    a <* 90 04 0005 00 00 | 31 0a 0005 '{t}/a' 00 'r1'
    a quiet
    a drop
    a connects 02
    a > 82 0b 0006 00 0005 '{t}/a' 10
    a <* 90 04 0006 00 00 | 31 0a 0005 '{t}/a' 00 'r1'
    b > 31 08 0005 '{t}/a' 00
    a < 30 08 0005 '{t}/a' 00
  `,
  ),
  dialogue(
    ["MQTT-3.3.1-9", "MQTT-3.3.1-11"],
    "with Retain Handling 2 no retained message is sent, each filter of a SUBSCRIBE by its own option",
    [5],
    `
    b connects 02
    b > 33 0c 0005 '{t}/a' 0001 00 'r1' 33 0c 0005 '{t}/b' 0002 00 'r2'
    b < 40 02 0001 40 02 0002
    a connects 02
    a > 82 0b 0001 00 0005 '{t}/a' 20
    a < 90 04 0001 00 00
    a quiet
    a > 82 0b 0002 00 0005 '{t}/+' 21
    a < 90 04 0002 00 01
    a quiet
    b > 33 0c 0005 '{t}/a' 0003 00 'r3'
    b < 40 02 0003
    a < 32 0c 0005 '{t}/a' $p 00 'r3'
    a > 40 02 $p
    c connects 02
    c > 82 13 0001 00 0005 '{t}/a' 20 0005 '{t}/b' 00
    c <* 90 05 0001 00 00 00 | 31 0a 0005 '{t}/b' 00 'r2'
    c quiet
    b > 31 08 0005 '{t}/a' 00 31 08 0005 '{t}/b' 00
    c < 30 08 0005 '{t}/a' 00 30 08 0005 '{t}/b' 00
  `,
  ),
  dialogue(
    ["MQTT-3.3.1-12"],
    "without Retain As Published a message with RETAIN reaches an existing subscription with RETAIN 0",
    [5],
    `
    a connects 02
    a > 82 0b 0001 00 0005 '{t}/a' 01
    a < 90 04 0001 00 01
    c connects 00 11 00000e10
    c > 82 0b 0001 00 0005 '{t}/a' 01
    c < 90 04 0001 00 01
    c drop
    b connects 02
    b > 33 0c 0005 '{t}/a' 0001 00 'r1'
    b < 40 02 0001
    a < 32 0c 0005 '{t}/a' $p 00 'r1'
    a > 40 02 $p
    b > 31 0a 0005 '{t}/a' 00 'r0'
    a < 30 0a 0005 '{t}/a' 00 'r0'
    c resumes 00 11 00000e10
    c < 32 0c 0005 '{t}/a' $q 00 'r1'
    c > 40 02 $q
    b > 31 08 0005 '{t}/a' 00
    a < 30 08 0005 '{t}/a' 00
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.3.1-13"],
    "with Retain As Published a message has the RETAIN flag of its PUBLISH, kept for a client that is away too",
    [5],
    `
    a connects 02
    a > 82 0b 0001 00 0005 '{t}/a' 0a
    a < 90 04 0001 00 02
    c connects 00 11 00000e10
    c > 82 0b 0001 00 0005 '{t}/a' 09
    c < 90 04 0001 00 01
    c drop
    b connects 02
    b > 33 0c 0005 '{t}/a' 0001 00 'r1' 32 0c 0005 '{t}/a' 0002 00 'm2'
    b < 40 02 0001 40 02 0002
    a < 33 0c 0005 '{t}/a' $p 00 'r1' 32 0c 0005 '{t}/a' $q 00 'm2'
    a > 40 02 $p 40 02 $q
    b > 30 0a 0005 '{t}/a' 00 'm0' 31 0a 0005 '{t}/a' 00 'r0'
    a < 30 0a 0005 '{t}/a' 00 'm0' 31 0a 0005 '{t}/a' 00 'r0'
    c resumes 00 11 00000e10
    c < 33 0c 0005 '{t}/a' $r 00 'r1' 32 0c 0005 '{t}/a' $s 00 'm2'
    c drop
    c resumes 00 11 00000e10
    c < 3b 0c 0005 '{t}/a' $r 00 'r1' 3a 0c 0005 '{t}/a' $s 00 'm2'
    c > 40 02 $r 40 02 $s
    c quiet
    b > 31 08 0005 '{t}/a' 00
    a < 31 08 0005 '{t}/a' 00
    a quiet
  `,
  ),
  dialogue(
    [
      "MQTT-3.3.1-5",
      "MQTT-3.3.2-4",
      "MQTT-3.3.2-15",
      "MQTT-3.3.2-16",
      "MQTT-3.3.2-17",
      "MQTT-3.3.2-18",
      "MQTT-3.3.2-20",
    ],
    "a retained message keeps its properties, and the next one has only its own",
    [5],
    `
    b connects 02
    b > 33 39 0005 '{t}/a' 0001 2d 01 01 03 0004 'text' 08 0003 '{u}' 09 0002 00ff 26 0001 'k' 0001 'v' 26 0001 'k' 0001 'v' 26 0000 0000 26 0001 'a' 0000 'r1'
    b < 40 02 0001
    a connects 02
    a > 82 0b 0001 00 0005 '{t}/a' 01
    a <* 90 04 0001 00 01 | 33 39 0005 '{t}/a' $p 2d 01 01 03 0004 'text' 08 0003 '{u}' 09 0002 00ff 26 0001 'k' 0001 'v' 26 0001 'k' 0001 'v' 26 0000 0000 26 0001 'a' 0000 'r1'
    a > 40 02 $p
    c > 10 0f 0004 'MQTT' 04 02 003c 0003 '{c}'
    c < 20 02 00 00
    c > 82 0a 0001 0005 '{t}/a' 00
    c <* 90 03 0001 00 | 31 09 0005 '{t}/a' 'r1'
    b > 33 0c 0005 '{t}/a' 0002 00 'r2'
    b < 40 02 0002
    a < 32 0c 0005 '{t}/a' $q 00 'r2'
    a > 40 02 $q
    a > 82 0b 0002 00 0005 '{t}/a' 00
    a <* 90 04 0002 00 00 | 31 0a 0005 '{t}/a' 00 'r2'
    b > 31 08 0005 '{t}/a' 00
    a < 30 08 0005 '{t}/a' 00
  `,
  ),
  dialogue(
    ["MQTT-3.3.4-3"],
    "a retained message has the identifier of the subscription that it is sent for",
    [5],
    `
    b connects 02
    b > 33 0c 0005 '{t}/a' 0001 00 'r1'
    b < 40 02 0001
    a connects 02
    a > 82 0d 0001 02 0b 07 0005 '{t}/a' 00
    a <* 90 04 0001 00 00 | 31 0c 0005 '{t}/a' 02 0b 07 'r1'
    a > 82 0e 0002 03 0b 80 01 0005 '{t}/+' 01
    a <* 90 04 0002 00 01 | 33 0f 0005 '{t}/a' $p 03 0b 80 01 'r1'
    a > 40 02 $p
    a > 82 0b 0003 00 0005 '{t}/#' 00
    a <* 90 04 0003 00 00 | 31 0a 0005 '{t}/a' 00 'r1'
    b > 31 08 0005 '{t}/a' 00
    a < 30 0d 0005 '{t}/a' 05 0b 07 0b 80 01
  `,
  ),
  dialogue(
    ["MQTT-3.3.1-5", "MQTT-3.8.3-3"],
    "with No Local a client's own messages are stored but not sent to it, unless another of its filters matches",
    [5],
    `
    a connects 02
    a > 82 0b 0001 00 0005 '{t}/a' 0d (QoS 1, No Local, Retain As Published)
    a < 90 04 0001 00 01
    a > 33 0c 0005 '{t}/a' 0002 00 'r1' 34 0c 0005 '{t}/a' 0003 00 'm2' 30 0a 0005 '{t}/a' 00 'm3'
    a <~ 40 0002
    a <~ 50 0003
    a > 62 02 0003
    a < 70 02 0003
    a quiet
    b connects 02
    b > 82 0b 0001 00 0005 '{t}/a' 20
    b < 90 04 0001 00 00
    b > 33 0c 0005 '{t}/a' 0002 00 'r4'
    b <* 40 02 0002 | 30 0a 0005 '{t}/a' 00 'r4'
    a < 33 0c 0005 '{t}/a' $p 00 'r4'
    a > 40 02 $p
    c connects 02
    c > 82 0b 0001 00 0005 '{t}/a' 00
    c <* 90 04 0001 00 00 | 31 0a 0005 '{t}/a' 00 'r4'
    a > 82 0b 0004 00 0005 '{t}/+' 20
    a < 90 04 0004 00 00
    a > 33 0a 0005 '{t}/a' 0005 00
    a <* 40 02 0005 | 30 08 0005 '{t}/a' 00
    b < 30 08 0005 '{t}/a' 00
    c < 30 08 0005 '{t}/a' 00
    a quiet
  `,
  ),
];
