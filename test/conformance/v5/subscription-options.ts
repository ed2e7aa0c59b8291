// No local, retain as published and retain handling (§3.8.3.1).

import { dialogue } from "../dialogue.ts";

export const subscriptionOptions = [
  dialogue(
    ["MQTT-3.3.1-10", "MQTT-3.3.1-11"],
    "with retain handling 1 retained messages come only where the subscription is new, with 2 never",
    [5],
    `
    b connects 02
    b > 33 0c 0005 '{t}/a' 0001 00 'r1'
    b < 40 02 0001
    a connects 00 11 00000064
    a > 82 0b 0001 00 0005 '{t}/a' 10
    a <* 90 04 0001 00 00 | 31 0a 0005 '{t}/a' 00 'r1'
    a > 82 0b 0002 00 0005 '{t}/a' 11
    a < 90 04 0002 00 01
    a quiet
    a drop
    a resumes 00 11 00000064
    a > 82 0b 0003 00 0005 '{t}/a' 10
    a < 90 04 0003 00 00
    a quiet
    a > a2 0a 0004 00 0005 '{t}/a'
    a < b0 04 0004 00 00
    a > 82 0b 0005 00 0005 '{t}/a' 10
    a <* 90 04 0005 00 00 | 31 0a 0005 '{t}/a' 00 'r1'
    c connects 02
    c > 82 13 0001 00 0005 '{t}/a' 20 0005 '{t}/+' 20
    c < 90 05 0001 00 00 00
    c quiet
    a disconnects
    b > 33 0a 0005 '{t}/a' 0002 00
    b < 40 02 0002
    c < 30 08 0005 '{t}/a' 00
  `,
  ),
  dialogue(
    ["MQTT-3.3.1-12", "MQTT-3.3.1-13"],
    "with retain as published 1 a message keeps its RETAIN flag, with 0 it is delivered with RETAIN 0",
    [5],
    `
    a connects 02
    a > 82 0b 0001 00 0005 '{t}/a' 09
    a < 90 04 0001 00 01
    c connects 02
    c > 82 0b 0001 00 0005 '{t}/+' 01
    c < 90 04 0001 00 01
    b connects 02
    b > 33 0c 0005 '{t}/a' 0001 00 'm1' 32 0c 0005 '{t}/a' 0002 00 'm2' 33 0a 0005 '{t}/a' 0003 00
    b < 40 02 0001 40 02 0002 40 02 0003
    a < 33 0c 0005 '{t}/a' $p 00 'm1' 32 0c 0005 '{t}/a' $q 00 'm2' 33 0a 0005 '{t}/a' $r 00
    c < 32 0c 0005 '{t}/a' $s 00 'm1' 32 0c 0005 '{t}/a' $u 00 'm2' 32 0a 0005 '{t}/a' $v 00
  `,
  ),
  dialogue(
    ["MQTT-3.8.3-3"],
    "with no local a client gets what others publish and not what it published itself",
    [5],
    `
    a connects 00 11 00000064
    a > 82 0b 0001 00 0005 '{t}/#' 06
    a < 90 04 0001 00 02
    b connects 02
    b > 82 0b 0001 00 0005 '{t}/+' 05
    b < 90 04 0001 00 01
    a > 30 0a 0005 '{t}/a' 00 'm0' 32 0c 0005 '{t}/a' 0002 00 'm1' 34 0c 0005 '{t}/a' 0003 00 'm2'
    a < 40 02 0002 50 02 0003
    a > 62 02 0003
    a < 70 02 0003
    b <* 30 0a 0005 '{t}/a' 00 'm0' | 32 0c 0005 '{t}/a' $p 00 'm1' | 32 0c 0005 '{t}/a' $q 00 'm2'
    b > 40 02 $p 40 02 $q
    b > 32 0c 0005 '{t}/b' 0002 00 'm3'
    b < 40 02 0002
    a < 32 0c 0005 '{t}/b' $r 00 'm3'
    a > 40 02 $r
    b quiet
    a quiet
    a drop
    a resumes 00 11 00000064
    a quiet
    a > 32 0c 0005 '{t}/c' 0004 00 'm4'
    a < 40 02 0004
    a quiet
    a disconnects
  `,
  ),
  dialogue(
    ["MQTT-3.8.3-3"],
    "with no local a client does not get its own will",
    [5],
    `
    a > CONNECT 0c 003c 05 11 00000064 0003 '{a}' 00 0005 '{t}/w' 0004 'gone'
    a < 20 0e 00 00 0b {limits}
    a > 82 0b 0001 00 0005 '{t}/#' 05
    a < 90 04 0001 00 01
    b connects 02
    b > 82 0b 0001 00 0005 '{t}/w' 01
    b < 90 04 0001 00 01
    a drop
    b < 32 0e 0005 '{t}/w' $p 00 'gone'
    b > 32 0c 0005 '{t}/a' 0002 00 'm1'
    b < 40 02 0002
    a resumes 00
    a < 32 0c 0005 '{t}/a' $q 00 'm1'
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.8.3-3"],
    "what only its own no-local subscription matches has no matching subscriber",
    [5],
    `
    a connects 02
    a > 82 0b 0001 00 0005 '{t}/a' 05
    a < 90 04 0001 00 01
    a > 32 0c 0005 '{t}/a' 0002 00 'm1'
    a < 40 03 0002 10
    b connects 02
    b > 32 0c 0005 '{t}/a' 0001 00 'm2'
    b < 40 02 0001
    a < 32 0c 0005 '{t}/a' $p 00 'm2'
  `,
  ),
  dialogue(
    ["MQTT-3.8.3-3", "MQTT-3.3.4-4"],
    "where another subscription without no local matches too, the own message comes by that one, with its QoS and identifier",
    [5],
    `
    a connects 02
    a > 82 0d 0001 02 0b 01 0005 '{t}/a' 06
    a < 90 04 0001 00 02
    a > 82 0d 0002 02 0b 02 0005 '{t}/+' 01
    a < 90 04 0002 00 01
    a > 34 0c 0005 '{t}/a' 0003 00 'm1'
    a <* 50 02 0003 | 32 0e 0005 '{t}/a' $p 02 0b 02 'm1'
    a > 62 02 0003 40 02 $p
    a < 70 02 0003
    b connects 02
    b > 32 0c 0005 '{t}/a' 0001 00 'm2'
    b < 40 02 0001
    a < 32 10 0005 '{t}/a' $q 04 0b 01 0b 02 'm2'
    a > 40 02 $q
    a quiet
  `,
  ),
  dialogue(
    [],
    "options and identifier of a stored subscription hold after a reconnect",
    [5],
    `
    a connects 00 11 00000064
    a > 82 10 0001 05 0b ff ff ff 7f 0005 '{t}/a' 0d (identifier 268,435,455, no local, retain as published, QoS 1)
    a < 90 04 0001 00 01
    a drop
    b connects 02
    b > 33 0c 0005 '{t}/a' 0001 00 'm1'
    b < 40 02 0001
    a resumes 00 11 00000064
    a < 33 11 0005 '{t}/a' $p 05 0b ff ff ff 7f 'm1'
    a > 40 02 $p
    a > 33 0a 0005 '{t}/a' 0002 00
    a <~ 40 0002
    a quiet
    a disconnects
  `,
  ),
];
