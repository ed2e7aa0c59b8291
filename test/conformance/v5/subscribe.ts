// SUBSCRIBE and SUBACK, repeated subscriptions and their identifiers (§3.8, §3.9).

import { dialogue } from "../dialogue.ts";

export const subscribe = [
  dialogue(
    ["MQTT-3.8.4-1", "MQTT-3.8.4-2", "MQTT-2.2.1-6"],
    "SUBSCRIBE is answered by SUBACK with the same packet identifier",
    [5],
    `
    a connects 02
    a > 82 0b 0001 00 0005 '{t}/a' 00
    a < 90 04 0001 00 00
    a > 82 0b ffff 00 0005 '{t}/b' 01
    a < 90 04 ffff 00 01
    a > 82 0b 1234 00 0005 '{t}/c' 02
    a < 90 04 1234 00 02
  `,
  ),
  dialogue(
    ["MQTT-3.8.4-5", "MQTT-3.8.4-6", "MQTT-3.8.4-7", "MQTT-3.9.3-1"],
    "several filters in one SUBSCRIBE get one SUBACK with a reason code each, in their order",
    [5],
    `
    a connects 02
    a > 82 1b 0001 00 0005 '{t}/a' 00 0005 '{t}/b' 02 0005 '{t}/c' 01
    a < 90 06 0001 00 00 02 01
    b connects 02
    b > 32 0c 0005 '{t}/b' 0001 00 'm1' 32 0c 0005 '{t}/a' 0002 00 'm2' 32 0c 0005 '{t}/c' 0003 00 'm3'
    b < 40 02 0001 40 02 0002 40 02 0003
    a <* 32 0c 0005 '{t}/b' $p 00 'm1' | 30 0a 0005 '{t}/a' 00 'm2' | 32 0c 0005 '{t}/c' $q 00 'm3'
  `,
  ),
  dialogue(
    ["MQTT-3.9.3-2", "MQTT-3.8.4-7", "MQTT-3.9.3-1"],
    "a filter that the server refuses gets 0x8F in its place, and the others are granted",
    [5],
    `
    a connects 02
    a > 82 9d 02 0001 00 0005 '{t}/a' 01 00fd '{t}' '/x'*125 00 0007 '{t}/#/x' 02 0005 '{t}/b' 02
    a < 90 07 0001 00 01 8f 8f 02
    b connects 02
    b > 32 0c 0005 '{t}/b' 0001 00 'hi'
    b < 40 02 0001
    a < 32 0c 0005 '{t}/b' $p 00 'hi'
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.9.2-1", "MQTT-3.9.2-2", "MQTT-3.11.2-1", "MQTT-3.11.2-2"],
    "SUBACK and UNSUBACK carry neither a reason string nor user properties, and fit a small maximum packet size",
    [5],
    `
    a connects 02 27 00000020
    a > 82 0d 0001 00 0007 '{t}/#/x' 02
    a < 90 04 0001 00 8f
    a > a2 0a 0002 00 0005 '{t}/a'
    a < b0 04 0002 00 11
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.8.4-8"],
    "a message is delivered at the lower of its QoS and the granted one",
    [5],
    `
    a connects 02
    a > 82 1b 0001 00 0005 '{t}/a' 00 0005 '{t}/b' 01 0005 '{t}/c' 02
    a < 90 06 0001 00 00 01 02
    b connects 02
    b > 34 0c 0005 '{t}/a' 0001 00 'm1'
    b < 50 02 0001
    b > 62 02 0001
    b < 70 02 0001
    a < 30 0a 0005 '{t}/a' 00 'm1'
    b > 34 0c 0005 '{t}/b' 0001 00 'm2'
    b < 50 02 0001
    b > 62 02 0001
    b < 70 02 0001
    a < 32 0c 0005 '{t}/b' $p 00 'm2'
    a > 40 02 $p
    b > 32 0c 0005 '{t}/c' 0001 00 'm3'
    b < 40 02 0001
    a < 32 0c 0005 '{t}/c' $q 00 'm3'
    a > 40 02 $q
    b > 30 0a 0005 '{t}/c' 00 'm4'
    a < 30 0a 0005 '{t}/c' 00 'm4'
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.8.4-3"],
    "a repeated SUBSCRIBE replaces the subscription: its QoS, its options and its identifier",
    [5],
    `
    a connects 02
    a > 82 0d 0001 02 0b 01 0005 '{t}/a' 01 (identifier 1)
    a < 90 04 0001 00 01
    b connects 02
    b > 32 0c 0005 '{t}/a' 0001 00 'm1'
    b < 40 02 0001
    a < 32 0e 0005 '{t}/a' $p 02 0b 01 'm1'
    a > 40 02 $p
    a > 82 0e 0002 03 0b 80 01 0005 '{t}/a' 08 (identifier 128, retain as published)
    a < 90 04 0002 00 00
    b > 33 0c 0005 '{t}/a' 0002 00 'm2'
    b < 40 02 0002
    a < 31 0d 0005 '{t}/a' 03 0b 80 01 'm2'
    a > 82 0b 0003 00 0005 '{t}/a' 21 (none)
    a < 90 04 0003 00 01
    b > 33 0a 0005 '{t}/a' 0003 00
    b < 40 02 0003
    a < 32 0a 0005 '{t}/a' $q 00
    a > 40 02 $q
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.8.4-4"],
    "a repeated SUBSCRIBE with retain handling 0 sends the retained message again",
    [5],
    `
    b connects 02
    b > 33 0c 0005 '{t}/a' 0001 00 'r1'
    b < 40 02 0001
    a connects 02
    a > 82 0b 0001 00 0005 '{t}/a' 01
    a <* 90 04 0001 00 01 | 33 0c 0005 '{t}/a' $p 00 'r1'
    a > 40 02 $p
    a > 82 0b 0002 00 0005 '{t}/a' 01
    a <* 90 04 0002 00 01 | 33 0c 0005 '{t}/a' $q 00 'r1'
    a > 40 02 $q
    b > 33 0a 0005 '{t}/a' 0002 00
    b < 40 02 0002
    a < 32 0a 0005 '{t}/a' $r 00
    a > 40 02 $r
    a > 82 0b 0003 00 0005 '{t}/a' 01
    a < 90 04 0003 00 01
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.8.4-4", "MQTT-3.8.4-3"],
    "a repeated SUBSCRIBE loses no message: neither one in flight nor one that waits nor one that comes with it",
    [5],
    `
    a connects 00 11 00000064 21 0001 (one in flight)
    a > 82 0b 0001 00 0005 '{t}/a' 02
    a < 90 04 0001 00 02
    b connects 02
    b > 32 0c 0005 '{t}/a' 0001 00 'm1' 34 0c 0005 '{t}/a' 0002 00 'm2'
    b < 40 02 0001 50 02 0002
    b > 62 02 0002
    b < 70 02 0002
    a < 32 0c 0005 '{t}/a' $p 00 'm1'
    a > 82 0d 0002 02 0b 07 0005 '{t}/a' 02 32 0c 0005 '{t}/a' 0003 00 'm3'
    a <* 90 04 0002 00 02 | 40 02 0003
    a > 40 02 $p
    a < 34 0c 0005 '{t}/a' $q 00 'm2'
    a > 50 02 $q
    a < 62 02 $q
    a > 70 02 $q
    a <~ 32 0005 '{t}/a' $r
    a > 40 02 $r
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.8.4-4", "MQTT-3.10.4-2"],
    "a repeated SUBSCRIBE in the middle of the retained messages sends them all again, an UNSUBSCRIBE there ends them",
    [5],
    `
    b connects 02
    b > 33 0c 0005 '{t}/a' 0001 00 'r1' 33 0c 0005 '{t}/b' 0002 00 'r2' 33 0c 0005 '{t}/c' 0003 00 'r3'
    b < 40 02 0001 40 02 0002 40 02 0003
    a connects 02 21 0001 (one in flight)
    a > 82 0b 0001 00 0005 '{t}/+' 01
    a <* 90 04 0001 00 01 | 33 0c 0005 '{t}/' .. $p 00 'r' ..
    a > 82 0d 0002 02 0b 07 0005 '{t}/+' 01
    a < 90 04 0002 00 01
    a > 40 02 $p
    a < 33 0e 0005 '{t}/' .. $q 02 0b 07 $k
    a > 40 02 $q
    a < 33 0e 0005 '{t}/' .. $r 02 0b 07 $l
    a > 40 02 $r
    a < 33 0e 0005 '{t}/' .. $s 02 0b 07 $m
    differ k l m
    a > 82 0b 0003 00 0005 '{t}/+' 01
    a < 90 04 0003 00 01
    a > 40 02 $s
    a < 33 0c 0005 '{t}/' .. $u 00 'r' ..
    a > a2 0a 0004 00 0005 '{t}/+'
    a < b0 04 0004 00 00
    a > 40 02 $u
    a quiet
    b > 33 0a 0005 '{t}/a' 0001 00 33 0a 0005 '{t}/b' 0002 00 33 0a 0005 '{t}/c' 0003 00
    b <~ 40 0001
    b <~ 40 0002
    b <~ 40 0003
  `,
  ),
  dialogue(
    [],
    "SUBSCRIBE and UNSUBSCRIBE may carry user properties, several of one name",
    [5],
    `
    a connects 02
    a > 82 1a 0001 0f 26 0001 'n' 0001 'v' 26 0001 'n' 0002 'vw' 0005 '{t}/a' 01
    a < 90 04 0001 00 01
    b connects 02
    b > 32 0c 0005 '{t}/a' 0001 00 'hi'
    b < 40 02 0001
    a < 32 0c 0005 '{t}/a' $p 00 'hi'
    a > a2 11 0002 07 26 0001 'n' 0001 'v' 0005 '{t}/a'
    a < b0 04 0002 00 00
  `,
  ),
  dialogue(
    [],
    "SUBSCRIBE and UNSUBSCRIBE with the packet identifier of an open QoS 2 message get 0x91 for every filter",
    [5],
    `
    a connects 02
    a > 34 0c 0005 '{t}/x' 0007 00 'hi'
    a <~ 50 0007
    a > 82 13 0007 00 0005 '{t}/a' 00 0005 '{t}/b' 01
    a < 90 05 0007 00 91 91
    a > a2 11 0007 00 0005 '{t}/a' 0005 '{t}/b'
    a < b0 05 0007 00 91 91
    a > 62 02 0007
    a < 70 02 0007
    a > a2 0a 0007 00 0005 '{t}/a'
    a < b0 04 0007 00 11
    a > 82 0b 0007 00 0005 '{t}/a' 00
    a < 90 04 0007 00 00
  `,
  ),
  dialogue(
    ["MQTT-3.8.1-1"],
    "a SUBSCRIBE with other flags than 0010 is a malformed packet",
    [5],
    `
    a connects 02
    a > 80 0b 0001 00 0005 '{t}/a' 00
    a told 81
    a connects 02
    a > 83 0b 0001 00 0005 '{t}/a' 00
    a told 81
    a connects 02
    a > 8a 0b 0001 00 0005 '{t}/a' 00
    a told 81
  `,
  ),
  dialogue(
    ["MQTT-3.8.3-1"],
    "a SUBSCRIBE whose filter is cut short is a malformed packet",
    [5],
    `
    a connects 02
    a > 82 09 0001 00 0009 '{t}' 00
    a told 81
  `,
  ),
  dialogue(
    ["MQTT-3.8.3-2"],
    "a SUBSCRIBE without a filter is a protocol error",
    [5],
    `
    a connects 02
    a > 82 03 0001 00
    a told 82
  `,
  ),
  dialogue(
    ["MQTT-3.8.3-2"],
    "a SUBSCRIBE without the options of its last filter is a malformed packet and subscribes to nothing",
    [5],
    `
    a connects 00 11 00000064
    a > 82 12 0001 00 0005 '{t}/a' 01 0005 '{t}/b'
    a told 81
    b connects 02
    b > 32 0c 0005 '{t}/a' 0001 00 'hi'
    b < 40 03 0001 10
    a resumes 00
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.8.3-5"],
    "a SUBSCRIBE with reserved bits in its options is a malformed packet",
    [5],
    `
    a connects 02
    a > 82 0b 0001 00 0005 '{t}/a' 40
    a told 81
    a connects 02
    a > 82 13 0001 00 0005 '{t}/a' 01 0005 '{t}/b' 81
    a told 81
    b connects 02
    b > 32 0c 0005 '{t}/a' 0001 00 'hi'
    b < 40 03 0001 10
  `,
  ),
  dialogue(
    [],
    "a SUBSCRIBE with QoS 3 or retain handling 3 is a protocol error",
    [5],
    `
    a connects 02
    a > 82 0b 0001 00 0005 '{t}/a' 03
    a told 82
    a connects 02
    a > 82 0b 0001 00 0005 '{t}/a' 30
    a told 82
  `,
  ),
  dialogue(
    ["MQTT-2.2.1-3"],
    "a SUBSCRIBE or UNSUBSCRIBE with packet identifier 0 is a protocol error",
    [5],
    `
    a connects 02
    a > 82 0b 0000 00 0005 '{t}/a' 00
    a told 82
    a connects 02
    a > a2 0a 0000 00 0005 '{t}/a'
    a told 82
  `,
  ),
];
