// UNSUBSCRIBE and UNSUBACK (§3.10, §3.11).

import { dialogue } from "../dialogue.ts";

export const unsubscribe = [
  dialogue(
    ["MQTT-3.10.4-1", "MQTT-3.10.4-2", "MQTT-3.10.4-4", "MQTT-3.10.4-5", "MQTT-2.2.1-6"],
    "UNSUBSCRIBE is answered by UNSUBACK with the same packet identifier, and delivery stops",
    [5],
    `
    a connects 02
    a > 82 0b 0001 00 0005 '{t}/a' 01
    a < 90 04 0001 00 01
    a > a2 0a beef 00 0005 '{t}/a'
    a < b0 04 beef 00 00
    b connects 02
    b > 32 0c 0005 '{t}/a' 0001 00 'hi'
    b < 40 03 0001 10
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.10.4-6", "MQTT-3.11.3-1", "MQTT-3.11.3-2"],
    "several filters in one UNSUBSCRIBE get one UNSUBACK with a reason code each, in their order: 0x00, or 0x11 where nothing was subscribed",
    [5],
    `
    a connects 02
    a > 82 1b 0001 00 0005 '{t}/a' 01 0005 '{t}/b' 01 0005 '{t}/c' 01
    a < 90 06 0001 00 01 01 01
    a > a2 1f 0002 00 0005 '{t}/a' 0005 '{t}/x' 0005 '{t}/c' 0005 '{t}/a'
    a < b0 07 0002 00 00 11 00 11
    b connects 02
    b > 32 0c 0005 '{t}/a' 0001 00 'm1' 32 0c 0005 '{t}/b' 0002 00 'm2' 32 0c 0005 '{t}/c' 0003 00 'm3'
    b < 40 03 0001 10 40 02 0002 40 03 0003 10
    a < 32 0c 0005 '{t}/b' $p 00 'm2'
    a > 40 02 $p
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.10.4-1"],
    "UNSUBSCRIBE removes the filter that is equal character by character, not those that match it",
    [5],
    `
    a connects 02
    a > 82 13 0001 00 0005 '{t}/a' 01 0005 '{t}/+' 01
    a < 90 05 0001 00 01 01
    a > a2 29 0002 00 0005 '{t}/#' 0005 '{t}/A' 0006 '{t}/a/' 000e '$share/g/{t}/a'
    a < b0 07 0002 00 11 11 11 11
    b connects 02
    b > 32 0c 0005 '{t}/a' 0001 00 'm1'
    b < 40 02 0001
    a < 32 0c 0005 '{t}/a' $p 00 'm1'
    a > 40 02 $p
    a > a2 0a 0004 00 0005 '{t}/+'
    a < b0 04 0004 00 00
    b > 32 0c 0005 '{t}/b' 0002 00 'm2' 32 0c 0005 '{t}/a' 0003 00 'm3'
    b < 40 03 0002 10 40 02 0003
    a < 32 0c 0005 '{t}/a' $q 00 'm3'
    a > 40 02 $q
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.10.4-5"],
    "UNSUBSCRIBE from what is not subscribed, or is no filter, is answered by UNSUBACK",
    [5],
    `
    a connects 02
    a > a2 0a 0001 00 0005 '{t}/a'
    a < b0 04 0001 00 11
    a > a2 13 0002 00 0007 '{t}/#/x' 0005 '{t}/b'
    a < b0 05 0002 00 11/8f 11
  `,
  ),
  dialogue(
    ["MQTT-3.10.4-3"],
    "QoS 1 and 2 messages that the server began to send are finished after UNSUBSCRIBE",
    [5],
    `
    a connects 00 11 00000064
    a > 82 0b 0001 00 0005 '{t}/a' 02
    a < 90 04 0001 00 02
    b connects 02
    b > 34 0c 0005 '{t}/a' 0001 00 'm1'
    b < 50 02 0001
    b > 62 02 0001
    b < 70 02 0001
    b > 32 0c 0005 '{t}/a' 0002 00 'm2'
    b < 40 02 0002
    b > 34 0c 0005 '{t}/a' 0003 00 'm3'
    b < 50 02 0003
    a < 34 0c 0005 '{t}/a' $p 00 'm1' 32 0c 0005 '{t}/a' $q 00 'm2' 34 0c 0005 '{t}/a' $r 00 'm3'
    a > a2 0a 0002 00 0005 '{t}/a'
    a < b0 04 0002 00 00
    a > 50 02 $p
    a < 62 02 $p
    a drop
    a resumes 00 11 00000064
    a <* 62 02 $p | 3a 0c 0005 '{t}/a' $q 00 'm2' | 3c 0c 0005 '{t}/a' $r 00 'm3'
    a > 70 02 $p 40 02 $q 50 02 $r
    a < 62 02 $r
    a > 70 02 $r
    a quiet
    b > 32 0c 0005 '{t}/a' 0004 00 'm4'
    b < 40 03 0004 10
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.10.4-2"],
    "an UNSUBSCRIBE of a stored session holds after a reconnect",
    [5],
    `
    a connects 00 11 00000064
    a > 82 0b 0001 00 0005 '{t}/a' 01
    a < 90 04 0001 00 01
    a > a2 0a 0002 00 0005 '{t}/a'
    a < b0 04 0002 00 00
    a drop
    b connects 02
    b > 32 0c 0005 '{t}/a' 0001 00 'hi'
    b < 40 03 0001 10
    a resumes 00
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.10.1-1"],
    "an UNSUBSCRIBE with other flags than 0010 is a malformed packet",
    [5],
    `
    a connects 02
    a > a0 0a 0001 00 0005 '{t}/a'
    a told 81
    a connects 02
    a > ab 0a 0001 00 0005 '{t}/a'
    a told 81
  `,
  ),
  dialogue(
    ["MQTT-3.10.3-2"],
    "an UNSUBSCRIBE without a filter is a protocol error",
    [5],
    `
    a connects 02
    a > a2 03 0001 00
    a told 82
  `,
  ),
  dialogue(
    ["MQTT-3.10.3-1"],
    "an UNSUBSCRIBE whose filter is cut short is a malformed packet and removes nothing",
    [5],
    `
    a connects 00 11 00000064
    a > 82 0b 0001 00 0005 '{t}/a' 01
    a < 90 04 0001 00 01
    a > a2 0f 0002 00 0005 '{t}/a' 0009 '{t}'
    a told 81
    b connects 02
    b > 32 0c 0005 '{t}/a' 0001 00 'hi'
    b < 40 02 0001
    a resumes 00
    a < 32 0c 0005 '{t}/a' $p 00 'hi'
  `,
  ),
];
