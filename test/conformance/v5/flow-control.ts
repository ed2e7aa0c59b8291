// Flow control: Receive Maximum (§3.3.4, §4.9) and Maximum Packet Size (§3.1.2.11.4), both of the client's choice.

import { dialogue } from "../dialogue.ts";

const RECEIVE_MAXIMUM = 4_096; // the server's own, as its CONNACK says

const hex16 = (n: number): string => n.toString(16).padStart(4, "0");
const each = (line: (id: string) => string): string =>
  Array.from({ length: RECEIVE_MAXIMUM }, (_, at) => line(hex16(at + 1))).join(" ");

export const flowControl = [
  dialogue(
    ["MQTT-3.3.4-9", "MQTT-4.9.0-1", "MQTT-4.9.0-2"],
    "a client with receive maximum 1 has one QoS 1 message at a time, the next with each PUBACK, in their order",
    [5],
    `
    a connects 02 21 0001
    a > 82 0b 0001 00 0005 '{t}/a' 01
    a < 90 04 0001 00 01
    b connects 02
    b > 32 0c 0005 '{t}/a' 0001 00 'm1' 32 0c 0005 '{t}/a' 0002 00 'm2' 32 0c 0005 '{t}/a' 0003 00 'm3'
    b < 40 02 0001 40 02 0002 40 02 0003
    a < 32 0c 0005 '{t}/a' $p 00 'm1'
    a quiet
    a > 40 02 $p
    a < 32 0c 0005 '{t}/a' $q 00 'm2'
    a quiet
    a > 40 03 $q 80 (an error is an answer too)
    a < 32 0c 0005 '{t}/a' $r 00 'm3'
    a > 40 02 $r
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.3.4-9", "MQTT-4.9.0-1", "MQTT-4.9.0-2"],
    "a QoS 2 message counts against receive maximum until its PUBCOMP, or its PUBREC with an error",
    [5],
    `
    a connects 00 11 00000e10 21 0002
    a > 82 0b 0001 00 0005 '{t}/a' 02
    a < 90 04 0001 00 02
    b connects 02
    b > 34 0c 0005 '{t}/a' 0001 00 'm1' 32 0c 0005 '{t}/a' 0002 00 'm2' 34 0c 0005 '{t}/a' 0003 00 'm3' 34 0c 0005 '{t}/a' 0004 00 'm4'
    b < 50 02 0001 40 02 0002 50 02 0003 50 02 0004
    a < 34 0c 0005 '{t}/a' $p 00 'm1' 32 0c 0005 '{t}/a' $q 00 'm2'
    a quiet
    a > 50 02 $p
    a < 62 02 $p
    a quiet
    a > 70 02 $p
    a < 34 0c 0005 '{t}/a' $r 00 'm3'
    a quiet
    a > 50 03 $r 80
    a < 34 0c 0005 '{t}/a' $s 00 'm4'
    a quiet
    a > 40 02 $q 50 02 $s
    a < 62 02 $s
    a > 70 02 $s
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.3.4-10", "MQTT-4.9.0-3"],
    "QoS 0 messages and packets that are no PUBLISH are not held back by receive maximum",
    [5],
    `
    a connects 02 21 0001
    a > 82 0b 0001 00 0005 '{t}/a' 02
    a < 90 04 0001 00 02
    b connects 02
    b > 34 0c 0005 '{t}/a' 0001 00 'm1' 32 0c 0005 '{t}/a' 0002 00 'm2' 30 0a 0005 '{t}/a' 00 'm0'
    b < 50 02 0001 40 02 0002
    a <* 34 0c 0005 '{t}/a' $p 00 'm1' | 30 0a 0005 '{t}/a' 00 'm0'
    a > c0 00
    a < d0 00
    a > 82 0b 0002 00 0005 '{t}/b' 01
    a < 90 04 0002 00 01
    a > a2 0a 0003 00 0005 '{t}/b'
    a < b0 04 0003 00 00
    a > 34 0c 0005 '{u}/a' 0004 00 'up'
    a <~ 50 0004
    a > 62 02 0004
    a < 70 02 0004
    a > 50 02 $p
    a < 62 02 $p
    a quiet
    a > 70 02 $p
    a < 32 0c 0005 '{t}/a' $q 00 'm2'
    a > 40 02 $q
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.3.4-9", "MQTT-4.9.0-2"],
    "retained messages count against receive maximum, and each comes as its turn does",
    [5],
    `
    b connects 02
    b > 33 0c 0005 '{t}/a' 0001 00 'r1' 33 0c 0005 '{t}/b' 0002 00 'r2' 31 0a 0005 '{t}/c' 00 'r0'
    b < 40 02 0001 40 02 0002
    a connects 02 21 0001
    a > 82 0b 0001 00 0005 '{t}/a' 01
    a <* 90 04 0001 00 01 | 33 0c 0005 '{t}/a' $p 00 'r1'
    a > 82 0b 0002 00 0005 '{t}/b' 01
    a < 90 04 0002 00 01
    a quiet
    a > 40 02 $p
    a < 33 0c 0005 '{t}/b' $q 00 'r2'
    a quiet
    a > 82 0b 0003 00 0005 '{t}/c' 00
    a <* 90 04 0003 00 00 | 31 0a 0005 '{t}/c' 00 'r0'
    a > 40 02 $q
    a quiet
    b > 31 08 0005 '{t}/a' 00 31 08 0005 '{t}/b' 00 31 08 0005 '{t}/c' 00
  `,
  ),
  dialogue(
    ["MQTT-3.3.4-7"],
    "a client that leaves more QoS 2 messages unfinished than the server's receive maximum is told 0x93",
    [5],
    `
    a connects 00 11 00000e10
    a > 82 0b 0001 00 0005 '{t}/a' 00
    a < 90 04 0001 00 00
    a drop (a subscriber that is sent nothing)
    b connects 02
    b > ${each((id) => `34 0c 0005 '{t}/a' ${id} 00 'hi'`)}
    b < ${each((id) => `50 02 ${id}`)}
    b > 34 0c 0005 '{t}/a' ${hex16(RECEIVE_MAXIMUM + 1)} 00 'hi'
    b told 93
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-24", "MQTT-3.1.2-25"],
    "a message larger than the client's maximum packet size is left out, and what follows comes",
    [5],
    `
    a connects 02 21 0001 27 00000020 (32 bytes)
    a > 82 0b 0001 00 0005 '{t}/a' 02
    a < 90 04 0001 00 02
    c connects 02
    c > 82 0b 0001 00 0005 '{t}/a' 02
    c < 90 04 0001 00 02
    b connects 02
    b > 30 1e 0005 '{t}/a' 00 'x'*22 30 1f 0005 '{t}/a' 00 'y'*23
    a < 30 1e 0005 '{t}/a' 00 'x'*22
    c < 30 1e 0005 '{t}/a' 00 'x'*22 30 1f 0005 '{t}/a' 00 'y'*23
    b > 32 1f 0005 '{t}/a' 0001 00 'x'*21 34 1f 0005 '{t}/a' 0002 00 'y'*21 32 1e 0005 '{t}/a' 0003 00 'z'*20
    b < 40 02 0001 50 02 0002 40 02 0003
    a < 32 1e 0005 '{t}/a' $p 00 'z'*20
    a > 40 02 $p
    a quiet
    c < 32 1f 0005 '{t}/a' $q 00 'x'*21 34 1f 0005 '{t}/a' $r 00 'y'*21 32 1e 0005 '{t}/a' $s 00 'z'*20
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-24", "MQTT-3.1.2-25"],
    "properties and subscription identifiers count in the size of what a client is sent",
    [5],
    `
    a connects 02 27 00000020 (32 bytes)
    a > 82 0d 0001 02 0b 07 0005 '{t}/a' 00
    a < 90 04 0001 00 00
    b connects 02
    b > 30 1c 0005 '{t}/a' 00 'x'*20
    a < 30 1e 0005 '{t}/a' 02 0b 07 'x'*20
    b > 30 1d 0005 '{t}/a' 00 'x'*21
    b > 30 1c 0005 '{t}/a' 07 26 0001 'k' 0001 'v' 'y'*13
    a < 30 1e 0005 '{t}/a' 09 26 0001 'k' 0001 'v' 0b 07 'y'*13
    b > 30 1d 0005 '{t}/a' 07 26 0001 'k' 0001 'v' 'y'*14
    b > 30 1c 0005 '{t}/a' 05 02 00000064 'z'*15
    a < 30 1e 0005 '{t}/a' 07 02 000000 64/63/62 0b 07 'z'*15
    b > 30 1d 0005 '{t}/a' 05 02 00000064 'z'*16
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-24", "MQTT-3.1.2-25"],
    "the maximum packet size of a new connection holds for what was kept and for what is sent again",
    [5],
    `
    a connects 00 11 00000e10
    a > 82 0b 0001 00 0005 '{t}/a' 02
    a < 90 04 0001 00 02
    b connects 02
    b > 32 1f 0005 '{t}/a' 0001 00 'x'*21 34 1f 0005 '{t}/a' 0004 00 'w'*21
    b < 40 02 0001 50 02 0004
    a < 32 1f 0005 '{t}/a' $p 00 'x'*21 34 1f 0005 '{t}/a' $r 00 'w'*21
    a drop
    b > 34 1f 0005 '{t}/a' 0002 00 'y'*21 32 1e 0005 '{t}/a' 0003 00 'z'*20
    b < 50 02 0002 40 02 0003
    a resumes 00 11 00000e10 27 00000020
    a <* 62 02 $r | 32 1e 0005 '{t}/a' $q 00 'z'*20 (the QoS 2 exchange that began is ended)
    a > 70 02 $r 40 02 $q
    a quiet
    a drop
    a resumes 00 11 00000e10
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-24", "MQTT-3.1.2-25"],
    "a retained message larger than the client's maximum packet size is left out, the others come",
    [5],
    `
    b connects 02
    b > 33 1f 0005 '{t}/a' 0001 00 'x'*21 33 1e 0005 '{t}/b' 0002 00 'y'*20
    b < 40 02 0001 40 02 0002
    a connects 00 11 00000e10 27 00000020
    a > 82 0b 0001 00 0005 '{t}/+' 01
    a <* 90 04 0001 00 01 | 33 1e 0005 '{t}/b' $p 00 'y'*20
    a > 40 02 $p
    a quiet
    b > 31 08 0005 '{t}/a' 00 31 08 0005 '{t}/b' 00
  `,
  ),
];
