// What is sent again when a client returns to its session, with which packet identifiers and in which order (§4.4, §4.6).

import { dialogue } from "../dialogue.ts";

export const redelivery = [
  dialogue(
    ["MQTT-4.4.0-1", "MQTT-3.3.1.-1"],
    "an unacknowledged QoS 1 PUBLISH is sent again with DUP and its packet identifier",
    [3, 4],
    `
    a connects 00
    a > 82 0a 0001 0005 '{t}/a' 01
    a < 90 03 0001 01
    b connects 02
    b > 32 0b 0005 '{t}/a' 0001 'hi'
    b < 40 02 0001
    a < 32 0b 0005 '{t}/a' $p 'hi'
    a drop
    a resumes 00
    a < 3a 0b 0005 '{t}/a' $p 'hi'
    a disconnects
    a resumes 00
    a < 3a 0b 0005 '{t}/a' $p 'hi'
    a > 40 02 $p
    a quiet
    a drop
    a resumes 00
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-4.4.0-1", "MQTT-3.3.1.-1"],
    "an unacknowledged QoS 2 PUBLISH is sent again with DUP and its packet identifier",
    [3, 4],
    `
    a connects 00
    a > 82 0a 0001 0005 '{t}/a' 02
    a < 90 03 0001 02
    b connects 02
    b > 34 0b 0005 '{t}/a' 0001 'hi'
    b < 50 02 0001
    b > 62 02 0001
    b < 70 02 0001
    a < 34 0b 0005 '{t}/a' $p 'hi'
    a drop
    a resumes 00
    a < 3c 0b 0005 '{t}/a' $p 'hi'
    a > 50 02 $p
    a < 62 02 $p
    a > 70 02 $p
    a quiet
    a drop
    a resumes 00
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-4.4.0-1", "MQTT-4.3.3-1"],
    "after PUBREC the PUBREL is sent again with its packet identifier, and the PUBLISH never",
    [3, 4],
    `
    a connects 00
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
    a drop
    a resumes 00
    a < 62/6a 02 $p
    a drop
    a resumes 00
    a < 62/6a 02 $p
    a > 70 02 $p
    a quiet
    a drop
    a resumes 00
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-4.6.0-1", "MQTT-4.6.0-6"],
    "what is sent again comes in the order in which it was sent first",
    [3, 4],
    `
    a connects 00
    a > 82 0a 0001 0005 '{t}/a' 01
    a < 90 03 0001 01
    b connects 02
    b > 32 0b 0005 '{t}/a' 0001 'm1' 32 0b 0005 '{t}/a' 0002 'm2' 32 0b 0005 '{t}/a' 0003 'm3' 32 0b 0005 '{t}/a' 0004 'm4'
    b < 40 02 0001 40 02 0002 40 02 0003 40 02 0004
    a < 32 0b 0005 '{t}/a' $p 'm1' 32 0b 0005 '{t}/a' $q 'm2' 32 0b 0005 '{t}/a' $r 'm3' 32 0b 0005 '{t}/a' $s 'm4'
    a > 40 02 $q
    a quiet
    a drop
    b > 32 0b 0005 '{t}/a' 0005 'm5'
    b < 40 02 0005
    a resumes 00
    a < 3a 0b 0005 '{t}/a' $p 'm1' 3a 0b 0005 '{t}/a' $r 'm3' 3a 0b 0005 '{t}/a' $s 'm4' 32 0b 0005 '{t}/a' $v 'm5'
    differ p r s v
    a > 40 02 $p 40 02 $r 40 02 $s 40 02 $v
    a quiet
    a drop
    a resumes 00
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-4.4.0-1", "MQTT-4.6.0-1"],
    "PUBREL and PUBLISH of several QoS 2 messages are sent again, each in the state it had",
    [3, 4],
    `
    a connects 00
    a > 82 0a 0001 0005 '{t}/a' 02
    a < 90 03 0001 02
    b connects 02
    b > 34 0b 0005 '{t}/a' 0001 'm1' 34 0b 0005 '{t}/a' 0002 'm2' 34 0b 0005 '{t}/a' 0003 'm3'
    b < 50 02 0001 50 02 0002 50 02 0003
    b > 62 02 0001 62 02 0002 62 02 0003
    b < 70 02 0001 70 02 0002 70 02 0003
    a < 34 0b 0005 '{t}/a' $p 'm1' 34 0b 0005 '{t}/a' $q 'm2' 34 0b 0005 '{t}/a' $r 'm3'
    a > 50 02 $p
    a < 62 02 $p
    a drop
    a resumes 00
    a <* 62/6a 02 $p | 3c 0b 0005 '{t}/a' $q 'm2' | 3c 0b 0005 '{t}/a' $r 'm3'
    a > 70 02 $p 50 02 $q 50 02 $r
    a < 62 02 $q 62 02 $r
    a > 70 02 $q 70 02 $r
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-4.3.3-2", "MQTT-4.1.0-1"],
    "a QoS 2 PUBLISH that a client sends again after a reconnect is delivered once",
    [3, 4],
    `
    a connects 02
    a > 82 0a 0001 0005 '{t}/a' 01
    a < 90 03 0001 01
    b connects 00
    b > 34 0b 0005 '{t}/a' 0001 'm1'
    b < 50 02 0001
    b drop
    b resumes 00
    b > 3c 0b 0005 '{t}/a' 0001 'm1'
    b < 50 02 0001
    b drop
    b resumes 00
    b > 62 02 0001
    b < 70 02 0001
    a < 32 0b 0005 '{t}/a' $p 'm1'
    a > 40 02 $p
    b drop
    b resumes 00
    b > 62 02 0001
    b < 70 02 0001
    b > 32 0b 0005 '{t}/a' 0002 'm2'
    b < 40 02 0002
    a < 32 0b 0005 '{t}/a' $q 'm2'
    a > 40 02 $q
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-6", "MQTT-4.3.3-2"],
    "CleanSession 1 frees the packet identifiers of unfinished QoS 2 publishes",
    [3, 4],
    `
    a connects 02
    a > 82 0a 0001 0005 '{t}/a' 01
    a < 90 03 0001 01
    b connects 00
    b > 34 0b 0005 '{t}/x' 0001 'm1'
    b < 50 02 0001
    b drop
    b connects 02
    b > 34 0b 0005 '{t}/a' 0001 'm2'
    b < 50 02 0001
    b > 62 02 0001
    b < 70 02 0001
    a < 32 0b 0005 '{t}/a' $p 'm2'
    a > 40 02 $p
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-6"],
    "nothing is sent again to a session that started clean",
    [3, 4],
    `
    a connects 00
    a > 82 0a 0001 0005 '{t}/a' 01
    a < 90 03 0001 01
    b connects 02
    b > 32 0b 0005 '{t}/a' 0001 'hi'
    b < 40 02 0001
    a < 32 0b 0005 '{t}/a' $p 'hi'
    a drop
    a connects 02
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-2.3.1-4"],
    "a packet identifier that waits for its acknowledgement is not used for another message after a reconnect",
    [3, 4],
    `
    a connects 00
    a > 82 0a 0001 0005 '{t}/a' 02
    a < 90 03 0001 02
    b connects 02
    b > 34 0b 0005 '{t}/a' 0001 'm1'
    b < 50 02 0001
    b > 62 02 0001
    b < 70 02 0001
    a < 34 0b 0005 '{t}/a' $p 'm1'
    a > 50 02 $p
    a < 62 02 $p
    a drop
    a resumes 00
    a < 62/6a 02 $p
    b > 32 0b 0005 '{t}/a' 0001 'm2'
    b < 40 02 0001
    a < 32 0b 0005 '{t}/a' $q 'm2'
    differ p q
    a > 70 02 $p 40 02 $q
    a quiet
  `,
  ),
];
