// What is sent again when a client returns to its session, with which packet identifiers and in which order (§4.4, §4.6).

import { dialogue } from "../dialogue.ts";

export const redelivery = [
  dialogue(
    ["MQTT-3.3.1-1", "MQTT-4.3.2-3", "MQTT-4.4.0-1"],
    "a QoS 1 PUBLISH without PUBACK is sent again with DUP and its packet identifier at each return, and after it no more",
    [5],
    `
    a connects 00 11 00000e10
    a > 82 0b 0001 00 0005 '{t}/a' 01
    a < 90 04 0001 00 01
    b connects 02
    b > 32 0c 0005 '{t}/a' 0001 00 'hi'
    b < 40 02 0001
    a < 32 0c 0005 '{t}/a' $p 00 'hi'
    a drop
    a resumes 00 11 00000e10
    a < 3a 0c 0005 '{t}/a' $p 00 'hi'
    a disconnects
    a resumes 00 11 00000e10
    a < 3a 0c 0005 '{t}/a' $p 00 'hi'
    a > 40 02 $p
    a quiet
    a drop
    a resumes 00 11 00000e10
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.3.1-1", "MQTT-4.3.3-3", "MQTT-4.4.0-1"],
    "a QoS 2 PUBLISH without PUBREC is sent again with DUP and its packet identifier",
    [5],
    `
    a connects 00 11 00000e10
    a > 82 0b 0001 00 0005 '{t}/a' 02
    a < 90 04 0001 00 02
    b connects 02
    b > 34 0c 0005 '{t}/a' 0001 00 'hi'
    b < 50 02 0001
    b > 62 02 0001
    b < 70 02 0001
    a < 34 0c 0005 '{t}/a' $p 00 'hi'
    a drop
    a resumes 00 11 00000e10
    a < 3c 0c 0005 '{t}/a' $p 00 'hi'
    a > 50 02 $p
    a < 62 02 $p
    a > 70 02 $p
    a quiet
    a drop
    a resumes 00 11 00000e10
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-4.3.3-5", "MQTT-4.3.3-6", "MQTT-4.4.0-1"],
    "after PUBREC a PUBREL without PUBCOMP is sent again at each return, and the PUBLISH is not",
    [5],
    `
    a connects 00 11 00000e10
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
    a drop
    a resumes 00 11 00000e10
    a < 62 02 $p
    a drop
    a resumes 00 11 00000e10
    a < 62 02 $p
    a > 70 02 $p
    a quiet
    a drop
    a resumes 00 11 00000e10
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-4.4.0-1", "MQTT-4.6.0-1"],
    "messages are sent again in the order in which they were sent first, then those that came meanwhile",
    [5],
    `
    a connects 00 11 00000e10
    a > 82 0b 0001 00 0005 '{t}/a' 02
    a < 90 04 0001 00 02
    b connects 02
    b > 32 0c 0005 '{t}/a' 0001 00 'm1' 34 0c 0005 '{t}/a' 0002 00 'm2' 32 0c 0005 '{t}/a' 0003 00 'm3' 32 0c 0005 '{t}/a' 0004 00 'm4'
    b < 40 02 0001 50 02 0002 40 02 0003 40 02 0004
    a < 32 0c 0005 '{t}/a' $p 00 'm1' 34 0c 0005 '{t}/a' $q 00 'm2' 32 0c 0005 '{t}/a' $r 00 'm3' 32 0c 0005 '{t}/a' $s 00 'm4'
    a > 40 02 $r
    a quiet
    a drop
    b > 32 0c 0005 '{t}/a' 0005 00 'm5'
    b < 40 02 0005
    a resumes 00 11 00000e10
    a < 3a 0c 0005 '{t}/a' $p 00 'm1' 3c 0c 0005 '{t}/a' $q 00 'm2' 3a 0c 0005 '{t}/a' $s 00 'm4' 32 0c 0005 '{t}/a' $v 00 'm5'
    differ p q s v
    a > 40 02 $p 50 02 $q 40 02 $s 40 02 $v
    a < 62 02 $q
    a > 70 02 $q
    a quiet
    a drop
    a resumes 00 11 00000e10
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-4.3.3-4", "MQTT-4.3.3-6", "MQTT-4.4.0-1"],
    "of several QoS 2 messages each is taken up where it was: at its PUBLISH, at its PUBREL, or not at all",
    [5],
    `
    a connects 00 11 00000e10
    a > 82 0b 0001 00 0005 '{t}/a' 02
    a < 90 04 0001 00 02
    b connects 02
    b > 34 0c 0005 '{t}/a' 0001 00 'm1' 34 0c 0005 '{t}/a' 0002 00 'm2' 34 0c 0005 '{t}/a' 0003 00 'm3' 34 0c 0005 '{t}/a' 0004 00 'm4'
    b < 50 02 0001 50 02 0002 50 02 0003 50 02 0004
    a < 34 0c 0005 '{t}/a' $p 00 'm1' 34 0c 0005 '{t}/a' $q 00 'm2' 34 0c 0005 '{t}/a' $r 00 'm3' 34 0c 0005 '{t}/a' $s 00 'm4'
    a > 50 02 $p
    a < 62 02 $p
    a > 50 03 $q 83
    a > 50 02 $r
    a < 62 02 $r
    a > 70 02 $r
    a quiet
    a drop
    a resumes 00 11 00000e10
    a <* 62 02 $p | 3c 0c 0005 '{t}/a' $s 00 'm4'
    a > 70 02 $p 50 02 $s
    a < 62 02 $s
    a > 70 02 $s
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.3.4-9", "MQTT-4.4.0-1", "MQTT-4.9.0-1"],
    "what is sent again is bounded by the receive maximum of the new connection",
    [5],
    `
    a connects 00 11 00000e10
    a > 82 0b 0001 00 0005 '{t}/a' 01
    a < 90 04 0001 00 01
    b connects 02
    b > 32 0c 0005 '{t}/a' 0001 00 'm1' 32 0c 0005 '{t}/a' 0002 00 'm2' 32 0c 0005 '{t}/a' 0003 00 'm3'
    b < 40 02 0001 40 02 0002 40 02 0003
    a < 32 0c 0005 '{t}/a' $p 00 'm1' 32 0c 0005 '{t}/a' $q 00 'm2' 32 0c 0005 '{t}/a' $r 00 'm3'
    a drop
    a resumes 00 11 00000e10 21 0001
    a < 3a 0c 0005 '{t}/a' $p 00 'm1'
    a quiet
    a > 40 02 $p
    a < 3a 0c 0005 '{t}/a' $q 00 'm2'
    a quiet
    a drop
    a resumes 00 11 00000e10 21 0002
    a < 3a 0c 0005 '{t}/a' $q 00 'm2' 3a 0c 0005 '{t}/a' $r 00 'm3'
    a > 40 02 $q 40 02 $r
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-4.4.0-1"],
    "nothing is sent again within a connection, however long its acknowledgement takes",
    [5],
    `
    a > CONNECT 00 0000 05 11 00000e10 0003 '{a}'
    a < 20 0e 00 00 0b {limits}
    a > 82 0b 0001 00 0005 '{t}/a' 02
    a < 90 04 0001 00 02
    b connects 02
    b > 32 0c 0005 '{t}/a' 0001 00 'm1' 34 0c 0005 '{t}/a' 0002 00 'm2' 34 0c 0005 '{t}/a' 0003 00 'm3'
    b < 40 02 0001 50 02 0002 50 02 0003
    b disconnects
    a < 32 0c 0005 '{t}/a' $p 00 'm1' 34 0c 0005 '{t}/a' $q 00 'm2' 34 0c 0005 '{t}/a' $r 00 'm3'
    a > 50 02 $q
    a < 62 02 $q
    advance 3600
    a quiet
    a > 82 0b 0002 00 0005 '{t}/a' 02
    a < 90 04 0002 00 02
    a quiet
    a > 40 02 $p 70 02 $q 50 02 $r
    a < 62 02 $r
    a > 70 02 $r
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-4.3.3-10", "MQTT-4.4.0-1"],
    "a QoS 2 exchange that a client goes on with after a reconnect is one message",
    [5],
    `
    a connects 02
    a > 82 0b 0001 00 0005 '{t}/a' 01
    a < 90 04 0001 00 01
    b connects 00 11 00000e10
    b > 34 0c 0005 '{t}/a' 0001 00 'm1'
    b < 50 02 0001
    b drop
    b resumes 00 11 00000e10
    b > 3c 0c 0005 '{t}/a' 0001 00 'm1'
    b < 50 02 0001
    b drop
    b resumes 00 11 00000e10
    b > 62 02 0001
    b < 70 02 0001
    a < 32 0c 0005 '{t}/a' $p 00 'm1'
    a > 40 02 $p
    b drop
    b resumes 00 11 00000e10
    b > 62 02 0001
    b < 70 03 0001 92
    b > 34 0c 0005 '{t}/a' 0001 00 'm2'
    b < 50 02 0001
    a < 32 0c 0005 '{t}/a' $q 00 'm2'
    a > 40 02 $q
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-4.4.0-1"],
    "with Clean Start nothing is sent again, and the packet identifiers of unfinished exchanges are free",
    [5],
    `
    a connects 00 11 00000e10
    a > 82 0b 0001 00 0005 '{t}/a' 01
    a < 90 04 0001 00 01
    b connects 00 11 00000e10
    b > 34 0c 0005 '{t}/a' 0001 00 'm1'
    b < 50 02 0001
    a < 32 0c 0005 '{t}/a' $p 00 'm1'
    a drop
    a connects 02 11 00000e10
    a quiet
    a > 82 0b 0001 00 0005 '{t}/a' 00
    a < 90 04 0001 00 00
    b drop
    b connects 02
    b > 34 0c 0005 '{t}/a' 0001 00 'm2'
    b < 50 02 0001
    a < 30 0a 0005 '{t}/a' 00 'm2'
    b > 62 02 0001
    b < 70 02 0001
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-2.2.1-4"],
    "a packet identifier whose PUBREL is unanswered is given to no other message, after a reconnect too",
    [5],
    `
    a connects 00 11 00000e10
    a > 82 0b 0001 00 0005 '{t}/a' 02
    a < 90 04 0001 00 02
    b connects 02
    b > 34 0c 0005 '{t}/a' 0001 00 'm1'
    b < 50 02 0001
    a < 34 0c 0005 '{t}/a' $p 00 'm1'
    a > 50 02 $p
    a < 62 02 $p
    a drop
    a resumes 00 11 00000e10
    a < 62 02 $p
    b > 32 0c 0005 '{t}/a' 0002 00 'm2'
    b < 40 02 0002
    a < 32 0c 0005 '{t}/a' $q 00 'm2'
    differ p q
    a > 70 02 $p 40 02 $q
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.3.4-9", "MQTT-4.3.3-6", "MQTT-4.4.0-1"],
    "a takeover with a smaller receive maximum goes on with the oldest messages, each where it was",
    [5],
    `
    a connects 00 11 00000e10
    a > 82 0b 0001 00 0005 '{t}/a' 02
    a < 90 04 0001 00 02
    b connects 02
    b > 34 0c 0005 '{t}/a' 0001 00 'm1' 34 0c 0005 '{t}/a' 0002 00 'm2' 34 0c 0005 '{t}/a' 0003 00 'm3'
    b < 50 02 0001 50 02 0002 50 02 0003
    a < 34 0c 0005 '{t}/a' $p 00 'm1' 34 0c 0005 '{t}/a' $q 00 'm2' 34 0c 0005 '{t}/a' $r 00 'm3'
    a > 50 02 $p
    a < 62 02 $p
    a2 resumes 00 11 00000e10 21 0001
    a told 8e
    a2 < 62 02 $p
    a2 > 70 02 $p
    a2 < 3c 0c 0005 '{t}/a' $q 00 'm2'
    a2 quiet
    a2 > 50 03 $q 80
    a2 < 3c 0c 0005 '{t}/a' $r 00 'm3'
    a2 > 50 02 $r
    a2 < 62 02 $r
    a2 > 70 02 $r
    a2 quiet
  `,
  ),
];
