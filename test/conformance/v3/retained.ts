// Retained messages (§3.3.1.3). A dialogue removes what it retained.

import { dialogue } from "../dialogue.ts";

export const retained = [
  dialogue(
    ["MQTT-3.3.1-5", "MQTT-3.3.1-6", "MQTT-3.3.1-8"],
    "a retained message is sent to a later subscriber with RETAIN 1, at its QoS",
    [3, 4],
    `
    b connects 02
    b > 33 0b 0005 '{t}/a' 0001 'r1'
    b < 40 02 0001
    a connects 02
    a > 82 0a 0001 0005 '{t}/a' 02
    a <* 90 03 0001 02 | 33 0b 0005 '{t}/a' $p 'r1'
    a > 40 02 $p
    a quiet
    b > 33 09 0005 '{t}/a' 0002
    b < 40 02 0002
  `,
  ),
  dialogue(
    ["MQTT-3.3.1-5", "MQTT-3.8.4-6"],
    "a retained message is sent at the lower of its QoS and the granted one",
    [3, 4],
    `
    b connects 02
    b > 35 0b 0005 '{t}/a' 0001 'r1'
    b < 50 02 0001
    b > 62 02 0001
    b < 70 02 0001
    a connects 02
    a > 82 0a 0001 0005 '{t}/a' 02
    a <* 90 03 0001 02 | 35 0b 0005 '{t}/a' $p 'r1'
    a > 50 02 $p
    a < 62 02 $p
    a > 70 02 $p
    a > 82 0a 0002 0005 '{t}/a' 01
    a <* 90 03 0002 01 | 33 0b 0005 '{t}/a' $q 'r1'
    a > 40 02 $q
    a > 82 0a 0003 0005 '{t}/a' 00
    a <* 90 03 0003 00 | 31 09 0005 '{t}/a' 'r1'
    b > 31 09 0005 '{t}/a' 'r0'
    a < 30 09 0005 '{t}/a' 'r0'
    a > 82 0a 0004 0005 '{t}/a' 02
    a <* 90 03 0004 02 | 31 09 0005 '{t}/a' 'r0'
    a quiet
    b > 33 09 0005 '{t}/a' 0002
    b < 40 02 0002
  `,
  ),
  dialogue(
    ["MQTT-3.3.1-6"],
    "the last retained message of every topic that matches is sent, for wildcards too",
    [3, 4],
    `
    b connects 02
    b > 33 0b 0005 '{t}/a' 0001 'r1' 33 0b 0005 '{t}/b' 0002 'r2' 33 0d 0007 '{t}/b/c' 0003 'r3' 33 09 0003 '{t}' 0004 'r4' 33 0b 0005 '{t}/b' 0005 'r5'
    b < 40 02 0001 40 02 0002 40 02 0003 40 02 0004 40 02 0005
    a connects 02
    a > 82 0a 0001 0005 '{t}/+' 00
    a <* 90 03 0001 00 | 31 09 0005 '{t}/a' 'r1' | 31 09 0005 '{t}/b' 'r5'
    a > 82 0a 0002 0005 '{t}/#' 00
    a <* 90 03 0002 00 | 31 09 0005 '{t}/a' 'r1' | 31 09 0005 '{t}/b' 'r5' | 31 0b 0007 '{t}/b/c' 'r3' | 31 07 0003 '{t}' 'r4'
    a > a2 09 0003 0005 '{t}/+'
    a < b0 02 0003
    a > a2 09 0004 0005 '{t}/#'
    a < b0 02 0004
    b > 33 09 0005 '{t}/a' 0001 33 09 0005 '{t}/b' 0002 33 0b 0007 '{t}/b/c' 0003 33 07 0003 '{t}' 0004
    b < 40 02 0001 40 02 0002 40 02 0003 40 02 0004
  `,
  ),
  dialogue(
    ["MQTT-3.3.1-6"],
    "a filter with a wildcard in its first level finds retained messages",
    [3, 4],
    `
    b connects 02
    b > 33 0d 0007 '{t}/{u}' 0001 'r1' 33 0d 0007 '{u}/{u}' 0002 'r2' 33 0d 0007 '{u}/{t}' 0003 'r3'
    b < 40 02 0001 40 02 0002 40 02 0003
    a connects 02
    a > 82 0a 0001 0005 '+/{u}' 00
    a <* 90 03 0001 00 | 31 0b 0007 '{t}/{u}' 'r1' | 31 0b 0007 '{u}/{u}' 'r2'
    a quiet
    a > a2 09 0002 0005 '+/{u}'
    a < b0 02 0002
    b > 33 0b 0007 '{t}/{u}' 0001 33 0b 0007 '{u}/{u}' 0002 33 0b 0007 '{u}/{t}' 0003
    b < 40 02 0001 40 02 0002 40 02 0003
  `,
  ),
  dialogue(
    ["MQTT-3.3.1-7"],
    "a QoS 0 retained message replaces the one before",
    [3, 4],
    `
    b connects 02
    b > 33 0b 0005 '{t}/a' 0001 'r1'
    b < 40 02 0001
    b > 31 09 0005 '{t}/a' 'r2'
    b quiet
    a connects 02
    a > 82 0a 0001 0005 '{t}/a' 01
    a <* 90 03 0001 01 | 31 09 0005 '{t}/a' 'r2'
    a quiet
    b > 31 07 0005 '{t}/a'
    a < 30 07 0005 '{t}/a'
  `,
  ),
  dialogue(
    ["MQTT-3.3.1-9"],
    "a retained message reaches an established subscription with RETAIN 0",
    [3, 4],
    `
    a connects 02
    a > 82 0a 0001 0005 '{t}/a' 01
    a < 90 03 0001 01
    b connects 02
    b > 33 0b 0005 '{t}/a' 0001 'r1'
    b < 40 02 0001
    a < 32 0b 0005 '{t}/a' $p 'r1'
    a > 40 02 $p
    b > 31 09 0005 '{t}/a' 'r0'
    a < 30 09 0005 '{t}/a' 'r0'
    b > 33 09 0005 '{t}/a' 0002
    b < 40 02 0002
    a < 32 09 0005 '{t}/a' $q
    a > 40 02 $q
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.3.1-10", "MQTT-3.3.1-11"],
    "an empty retained message goes to subscribers, removes the retained one and is not stored",
    [3, 4],
    `
    b connects 02
    b > 33 0b 0005 '{t}/a' 0001 'r1'
    b < 40 02 0001
    a connects 02
    a > 82 0a 0001 0005 '{t}/a' 00
    a <* 90 03 0001 00 | 31 09 0005 '{t}/a' 'r1'
    b > 33 09 0005 '{t}/a' 0002
    b < 40 02 0002
    a < 30 07 0005 '{t}/a'
    c connects 02
    c > 82 0a 0001 0005 '{t}/a' 00
    c < 90 03 0001 00
    c quiet
    b > 33 09 0005 '{t}/b' 0003
    b < 40 02 0003
    c > 82 0a 0002 0005 '{t}/b' 00
    c < 90 03 0002 00
    c quiet
  `,
  ),
  dialogue(
    ["MQTT-3.3.1-12"],
    "a message without RETAIN is not stored, and changes no retained message",
    [3, 4],
    `
    b connects 02
    b > 32 0b 0005 '{t}/a' 0001 'm1'
    b < 40 02 0001
    a connects 02
    a > 82 0a 0001 0005 '{t}/a' 00
    a < 90 03 0001 00
    a quiet
    b > 33 0b 0005 '{t}/a' 0002 'r2'
    b < 40 02 0002
    a < 30 09 0005 '{t}/a' 'r2'
    b > 32 0b 0005 '{t}/a' 0003 'm3'
    b < 40 02 0003
    a < 30 09 0005 '{t}/a' 'm3'
    b > 32 09 0005 '{t}/a' 0004
    b < 40 02 0004
    a < 30 07 0005 '{t}/a'
    c connects 02
    c > 82 0a 0001 0005 '{t}/a' 00
    c <* 90 03 0001 00 | 31 09 0005 '{t}/a' 'r2'
    c quiet
    b > 33 09 0005 '{t}/a' 0005
    b < 40 02 0005
  `,
  ),
  dialogue(
    ["MQTT-3.3.1-8"],
    "a resumed session is not sent retained messages again",
    [3, 4],
    `
    b connects 02
    b > 33 0b 0005 '{t}/a' 0001 'r1'
    b < 40 02 0001
    a connects 00
    a > 82 0a 0001 0005 '{t}/a' 01
    a <* 90 03 0001 01 | 33 0b 0005 '{t}/a' $p 'r1'
    a > 40 02 $p
    a quiet
    a drop
    a resumes 00
    a quiet
    b > 33 09 0005 '{t}/a' 0002
    b < 40 02 0002
    a < 32 09 0005 '{t}/a' $q
    a > 40 02 $q
  `,
  ),
];
