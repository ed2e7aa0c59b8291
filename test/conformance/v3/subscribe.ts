// SUBSCRIBE and SUBACK, overlapping subscriptions, UNSUBSCRIBE and UNSUBACK (§3.8 – §3.11).

import { dialogue } from "../dialogue.ts";

export const subscribe = [
  dialogue(
    ["MQTT-3.8.4-1", "MQTT-3.8.4-2", "MQTT-2.3.1-7"],
    "SUBSCRIBE is answered by SUBACK with the same packet identifier",
    [3, 4],
    `
    a connects 02
    a > 82 0a 0001 0005 '{t}/a' 00
    a < 90 03 0001 00
    a > 82 0a ffff 0005 '{t}/b' 01
    a < 90 03 ffff 01
    a > 82 0a 1234 0005 '{t}/c' 02
    a < 90 03 1234 02
  `,
  ),
  dialogue(
    ["MQTT-3.8.4-4", "MQTT-3.8.4-5", "MQTT-3.9.3-1"],
    "several filters in one SUBSCRIBE get one SUBACK with a return code each, in their order",
    [3, 4],
    `
    a connects 02
    a > 82 1a 0001 0005 '{t}/a' 00 0005 '{t}/b' 02 0005 '{t}/c' 01
    a < 90 05 0001 00 02 01
    b connects 02
    b > 32 0b 0005 '{t}/b' 0001 'm1' 32 0b 0005 '{t}/a' 0002 'm2' 32 0b 0005 '{t}/c' 0003 'm3'
    b < 40 02 0001 40 02 0002 40 02 0003
    a <* 32 0b 0005 '{t}/b' $p 'm1' | 30 09 0005 '{t}/a' 'm2' | 32 0b 0005 '{t}/c' $q 'm3'
  `,
  ),
  dialogue(
    ["MQTT-3.9.3-2", "MQTT-3.9.3-1"],
    "a filter that the server refuses gets 0x80 in its place, and the others are granted",
    [4],
    `
    a connects 02
    a > 82 92 02 0001 0005 '{t}/a' 01 00fd '{t}' '/x'*125 00 0005 '{t}/b' 02
    a < 90 05 0001 01 80 02
    b connects 02
    b > 32 0b 0005 '{t}/b' 0001 'hi'
    b < 40 02 0001
    a < 32 0b 0005 '{t}/b' $p 'hi'
  `,
  ),
  dialogue(
    ["MQTT-3.8.4-6"],
    "a message is delivered at the lower of its QoS and the granted one",
    [3, 4],
    `
    a connects 02
    a > 82 1a 0001 0005 '{t}/a' 00 0005 '{t}/b' 01 0005 '{t}/c' 02
    a < 90 05 0001 00 01 02
    b connects 02
    b > 34 0b 0005 '{t}/a' 0001 'm1'
    b < 50 02 0001
    b > 62 02 0001
    b < 70 02 0001
    a < 30 09 0005 '{t}/a' 'm1'
    b > 34 0b 0005 '{t}/b' 0001 'm2'
    b < 50 02 0001
    b > 62 02 0001
    b < 70 02 0001
    a < 32 0b 0005 '{t}/b' $p 'm2'
    a > 40 02 $p
    b > 32 0b 0005 '{t}/c' 0001 'm3'
    b < 40 02 0001
    a < 32 0b 0005 '{t}/c' $q 'm3'
    a > 40 02 $q
    b > 30 09 0005 '{t}/c' 'm4'
    a < 30 09 0005 '{t}/c' 'm4'
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.3.5-1"],
    "overlapping subscriptions deliver a message once, at the highest granted QoS",
    [3, 4],
    `
    a connects 02
    a > 82 1a 0001 0005 '{t}/a' 00 0005 '{t}/#' 02 0005 '{t}/+' 01
    a < 90 05 0001 00 02 01
    b connects 02
    b > 34 0b 0005 '{t}/a' 0001 'm1'
    b < 50 02 0001
    b > 62 02 0001
    b < 70 02 0001
    a < 34 0b 0005 '{t}/a' $p 'm1'
    a > 50 02 $p
    a < 62 02 $p
    a > 70 02 $p
    b > 32 0b 0005 '{t}/a' 0002 'm2'
    b < 40 02 0002
    a < 32 0b 0005 '{t}/a' $q 'm2'
    a > 40 02 $q
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.8.4-3"],
    "a repeated SUBSCRIBE replaces the subscription and its QoS, and sends the retained message again",
    [3, 4],
    `
    b connects 02
    b > 33 0b 0005 '{t}/a' 0001 'r1'
    b < 40 02 0001
    a connects 02
    a > 82 0a 0001 0005 '{t}/a' 00
    a <* 90 03 0001 00 | 31 09 0005 '{t}/a' 'r1'
    a > 82 0a 0002 0005 '{t}/a' 01
    a <* 90 03 0002 01 | 33 0b 0005 '{t}/a' $p 'r1'
    a > 40 02 $p
    b > 32 0b 0005 '{t}/a' 0002 'm2'
    b < 40 02 0002
    a < 32 0b 0005 '{t}/a' $q 'm2'
    a > 40 02 $q
    a > 82 0a 0003 0005 '{t}/a' 00
    a <* 90 03 0003 00 | 31 09 0005 '{t}/a' 'r1'
    b > 32 0b 0005 '{t}/a' 0003 'm3'
    b < 40 02 0003
    a < 30 09 0005 '{t}/a' 'm3'
    b > 33 09 0005 '{t}/a' 0004
    b < 40 02 0004
    a < 30 07 0005 '{t}/a'
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.3.2-3"],
    "the topic name of what is delivered matches the subscription that brings it",
    [3, 4],
    `
    a connects 02
    a > 82 0c 0001 0007 '{t}/+/x' 01
    a < 90 03 0001 01
    b connects 02
    b > 32 0d 0007 '{t}/a/x' 0001 'm1' 32 0d 0007 '{t}/a/y' 0002 'm2' 32 0b 0005 '{t}/x' 0003 'm3' 32 0d 0007 '{t}/b/x' 0004 'm4'
    b < 40 02 0001 40 02 0002 40 02 0003 40 02 0004
    a < 32 0d 0007 '{t}/a/x' $p 'm1' 32 0d 0007 '{t}/b/x' $q 'm4'
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-4.5.0-1"],
    "a message goes to every client with a matching subscription, there or away, and to the publisher itself",
    [3, 4],
    `
    a connects 02
    a > 82 0a 0001 0005 '{t}/a' 01
    a < 90 03 0001 01
    c connects 00
    c > 82 0a 0001 0005 '{t}/#' 01
    c < 90 03 0001 01
    c disconnects
    b connects 02
    b > 82 0a 0001 0005 '{t}/+' 01
    b < 90 03 0001 01
    b > 32 0b 0005 '{t}/a' 0002 'hi'
    b <* 40 02 0002 | 32 0b 0005 '{t}/a' $p 'hi'
    b > 40 02 $p
    a < 32 0b 0005 '{t}/a' $q 'hi'
    a > 40 02 $q
    c resumes 00
    c < 32 0b 0005 '{t}/a' $r 'hi'
    c > 40 02 $r
    c quiet
  `,
  ),
  dialogue(
    ["MQTT-3.8.1-1"],
    "a SUBSCRIBE with other flags than 0010 closes the connection",
    [4],
    `
    a connects 02
    a > 80 0a 0001 0005 '{t}/a' 00
    a closed
    a connects 02
    a > 83 0a 0001 0005 '{t}/a' 00
    a closed
    a connects 02
    a > 8a 0a 0001 0005 '{t}/a' 00
    a closed
  `,
  ),
  dialogue(
    [],
    "SUBSCRIBE, UNSUBSCRIBE and PUBREL may carry DUP in MQTT 3.1, which sends them again",
    [3],
    `
    a connects 02
    a > 8a 0a 0001 0005 '{t}/a' 00
    a < 90 03 0001 00
    a > aa 09 0002 0005 '{t}/a'
    a < b0 02 0002
    a > 34 0b 0005 '{t}/a' 0003 'hi'
    a < 50 02 0003
    a > 6a 02 0003
    a < 70 02 0003
  `,
  ),
  dialogue(
    ["MQTT-3.8.3-1"],
    "a SUBSCRIBE whose filter is cut short closes the connection",
    [3, 4],
    `
    a connects 02
    a > 82 08 0001 0009 '{t}' 00
    a closed
  `,
  ),
  dialogue(
    ["MQTT-3.8.3-3"],
    "a SUBSCRIBE without a filter closes the connection",
    [3, 4],
    `
    a connects 02
    a > 82 02 0001
    a closed
  `,
  ),
  dialogue(
    ["MQTT-3-8.3-4"],
    "a SUBSCRIBE with QoS 3 closes the connection",
    [3, 4],
    `
    a connects 02
    a > 82 0a 0001 0005 '{t}/a' 03
    a closed
  `,
  ),
  dialogue(
    ["MQTT-3-8.3-4"],
    "a SUBSCRIBE with reserved bits in the requested QoS closes the connection",
    [4],
    `
    a connects 02
    a > 82 0a 0001 0005 '{t}/a' 04
    a closed
    a connects 02
    a > 82 0a 0001 0005 '{t}/a' 81
    a closed
  `,
  ),
  dialogue(
    ["MQTT-2.3.1-1"],
    "a SUBSCRIBE with packet identifier 0 closes the connection",
    [3, 4],
    `
    a connects 02
    a > 82 0a 0000 0005 '{t}/a' 00
    a closed
  `,
  ),
  dialogue(
    ["MQTT-3.8.3-3"],
    "a SUBSCRIBE without the QoS of its last filter closes the connection and subscribes to nothing",
    [3, 4],
    `
    a connects 00
    a > 82 11 0001 0005 '{t}/a' 01 0005 '{t}/b'
    a closed
    b connects 02
    b > 32 0b 0005 '{t}/a' 0001 'hi'
    b < 40 02 0001
    a resumes 00
    a quiet
  `,
  ),
];

export const unsubscribe = [
  dialogue(
    ["MQTT-3.10.4-4", "MQTT-2.3.1-7", "MQTT-3.10.4-1", "MQTT-3.10.4-2"],
    "UNSUBSCRIBE is answered by UNSUBACK with the same packet identifier, and delivery stops",
    [3, 4],
    `
    a connects 02
    a > 82 0a 0001 0005 '{t}/a' 01
    a < 90 03 0001 01
    a > a2 09 beef 0005 '{t}/a'
    a < b0 02 beef
    b connects 02
    b > 32 0b 0005 '{t}/a' 0001 'hi'
    b < 40 02 0001
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.10.4-1"],
    "UNSUBSCRIBE removes the filter that is equal byte by byte, not those that match it",
    [3, 4],
    `
    a connects 02
    a > 82 12 0001 0005 '{t}/a' 01 0005 '{t}/+' 01
    a < 90 04 0001 01 01
    a > a2 09 0002 0005 '{t}/#'
    a < b0 02 0002
    a > a2 09 0003 0005 '{t}/A'
    a < b0 02 0003
    b connects 02
    b > 32 0b 0005 '{t}/a' 0001 'm1'
    b < 40 02 0001
    a < 32 0b 0005 '{t}/a' $p 'm1'
    a > 40 02 $p
    a > a2 09 0004 0005 '{t}/+'
    a < b0 02 0004
    b > 32 0b 0005 '{t}/b' 0002 'm2' 32 0b 0005 '{t}/a' 0003 'm3'
    b < 40 02 0002 40 02 0003
    a < 32 0b 0005 '{t}/a' $q 'm3'
    a > 40 02 $q
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.10.4-5"],
    "UNSUBSCRIBE from what is not subscribed is answered by UNSUBACK",
    [3, 4],
    `
    a connects 02
    a > a2 09 0001 0005 '{t}/a'
    a < b0 02 0001
  `,
  ),
  dialogue(
    ["MQTT-3.10.4-6"],
    "several filters in one UNSUBSCRIBE are removed and get one UNSUBACK",
    [3, 4],
    `
    a connects 02
    a > 82 1a 0001 0005 '{t}/a' 01 0005 '{t}/b' 01 0005 '{t}/c' 01
    a < 90 05 0001 01 01 01
    a > a2 17 0002 0005 '{t}/a' 0005 '{t}/x' 0005 '{t}/c'
    a < b0 02 0002
    b connects 02
    b > 32 0b 0005 '{t}/a' 0001 'm1' 32 0b 0005 '{t}/b' 0002 'm2' 32 0b 0005 '{t}/c' 0003 'm3'
    b < 40 02 0001 40 02 0002 40 02 0003
    a < 32 0b 0005 '{t}/b' $p 'm2'
    a > 40 02 $p
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.10.4-3"],
    "QoS 1 and 2 messages that the server began to send are finished after UNSUBSCRIBE",
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
    b > 32 0b 0005 '{t}/a' 0002 'm2'
    b < 40 02 0002
    a < 34 0b 0005 '{t}/a' $p 'm1' 32 0b 0005 '{t}/a' $q 'm2'
    a > a2 09 0002 0005 '{t}/a'
    a < b0 02 0002
    a > 50 02 $p
    a < 62 02 $p
    a drop
    a resumes 00
    a <* 62/6a 02 $p | 3a 0b 0005 '{t}/a' $q 'm2'
    a > 70 02 $p 40 02 $q
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.10.4-2"],
    "an UNSUBSCRIBE of a stored session holds after a reconnect",
    [3, 4],
    `
    a connects 00
    a > 82 0a 0001 0005 '{t}/a' 01
    a < 90 03 0001 01
    a > a2 09 0002 0005 '{t}/a'
    a < b0 02 0002
    a drop
    b connects 02
    b > 32 0b 0005 '{t}/a' 0001 'hi'
    b < 40 02 0001
    a resumes 00
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.10.1-1"],
    "an UNSUBSCRIBE with other flags than 0010 closes the connection",
    [4],
    `
    a connects 02
    a > a0 09 0001 0005 '{t}/a'
    a closed
    a connects 02
    a > ab 09 0001 0005 '{t}/a'
    a closed
  `,
  ),
  dialogue(
    ["MQTT-3.10.3-2"],
    "an UNSUBSCRIBE without a filter closes the connection",
    [3, 4],
    `
    a connects 02
    a > a2 02 0001
    a closed
  `,
  ),
  dialogue(
    ["MQTT-2.3.1-1"],
    "an UNSUBSCRIBE with packet identifier 0 closes the connection",
    [3, 4],
    `
    a connects 02
    a > a2 09 0000 0005 '{t}/a'
    a closed
  `,
  ),
  dialogue(
    ["MQTT-3.10.3-1"],
    "an UNSUBSCRIBE whose filter is cut short closes the connection",
    [3, 4],
    `
    a connects 02
    a > a2 07 0001 0009 '{t}'
    a closed
  `,
  ),
];
