// Message Expiry Interval (§3.3.2.3.3): counted down by what a message waited, and the end of what waited too long.
// A second or two of the test's own time may go by.

import { dialogue } from "../dialogue.ts";

export const expiry = [
  dialogue(
    ["MQTT-3.3.2-6"],
    "a message that did not wait has the expiry interval that it was published with",
    [5],
    `
    a connects 02
    a > 82 0b 0001 00 0005 '{t}/a' 01
    a < 90 04 0001 00 01
    b connects 02
    b > 30 0f 0005 '{t}/a' 05 02 00000064 'm1'
    a < 30 0f 0005 '{t}/a' 05 02 000000 64/63/62 'm1'
    b > 32 11 0005 '{t}/a' 0001 05 02 ffffffff 'm2'
    b < 40 02 0001
    a < 32 11 0005 '{t}/a' $p 05 02 ffffff ff/fe/fd 'm2'
    a > 40 02 $p
    b > 30 0a 0005 '{t}/a' 00 'm3'
    a < 30 0a 0005 '{t}/a' 00 'm3'
  `,
  ),
  dialogue(
    ["MQTT-3.3.2-6"],
    "a message that waited for its client has the rest of its expiry interval, one without has none",
    [5],
    `
    a connects 00 11 00000e10
    a > 82 0b 0001 00 0005 '{t}/a' 02
    a < 90 04 0001 00 02
    a drop
    b connects 02
    b > 32 11 0005 '{t}/a' 0001 05 02 00000064 'm1' 34 11 0005 '{t}/a' 0002 05 02 ffffffff 'm2' 32 0c 0005 '{t}/a' 0003 00 'm3'
    b < 40 02 0001 50 02 0002 40 02 0003
    advance 30
    a resumes 00 11 00000e10
    a < 32 11 0005 '{t}/a' $p 05 02 000000 46/45/44 'm1' 34 11 0005 '{t}/a' $q 05 02 ffffff e1/e0/df 'm2' 32 0c 0005 '{t}/a' $r 00 'm3'
    a > 40 02 $p 50 02 $q 40 02 $r
    a < 62 02 $q
    a > 70 02 $q
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.3.2-5"],
    "a message whose expiry interval passes while its client is away is dropped, and the others come",
    [5],
    `
    a connects 00 11 00000e10
    a > 82 0b 0001 00 0005 '{t}/a' 02
    a < 90 04 0001 00 02
    a drop
    b connects 02
    b > 32 11 0005 '{t}/a' 0001 05 02 0000000a 'm1' 34 11 0005 '{t}/a' 0002 05 02 0000000a 'm2' 32 11 0005 '{t}/a' 0003 05 02 0000003c 'm3' 32 11 0005 '{t}/a' 0004 05 02 0000000a 'm4'
    b < 40 02 0001 50 02 0002 40 02 0003 40 02 0004
    advance 30
    a resumes 00 11 00000e10
    a < 32 11 0005 '{t}/a' $p 05 02 000000 1e/1d/1c 'm3'
    a > 40 02 $p
    a quiet
    b > 62 02 0002
    b < 70 02 0002
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.3.2-5", "MQTT-3.3.2-6"],
    "expiry intervals hold for a client of MQTT 3.1.1 too, which is not told them",
    [5],
    `
    c > 10 0f 0004 'MQTT' 04 00 003c 0003 '{c}'
    c < 20 02 00 00
    c > 82 0a 0001 0005 '{t}/a' 01
    c < 90 03 0001 01
    c drop
    b connects 02
    b > 32 11 0005 '{t}/a' 0001 05 02 0000000a 'm1' 32 11 0005 '{t}/a' 0002 05 02 0000003c 'm2'
    b < 40 02 0001 40 02 0002
    advance 30
    c > 10 0f 0004 'MQTT' 04 00 003c 0003 '{c}'
    c < 20 02 01 00
    c < 32 0b 0005 '{t}/a' $p 'm2'
    c > 40 02 $p
    c > 62 02 7777
    c < 70 02 7777
  `,
  ),
  dialogue(
    ["MQTT-3.3.2-5", "MQTT-3.3.2-6"],
    "an expiry interval runs while receive maximum holds a message back",
    [5],
    `
    a connects 02 21 0001
    a > 82 0b 0001 00 0005 '{t}/a' 02
    a < 90 04 0001 00 02
    b connects 02
    b > 32 11 0005 '{t}/a' 0001 05 02 0000000a 'm1' 32 11 0005 '{t}/a' 0002 05 02 0000000a 'm2' 34 11 0005 '{t}/a' 0003 05 02 00000064 'm3'
    b < 40 02 0001 40 02 0002 50 02 0003
    a < 32 11 0005 '{t}/a' $p 05 02 000000 0a/09/08 'm1'
    a quiet
    advance 30
    a > 40 02 $p
    a < 34 11 0005 '{t}/a' $q 05 02 000000 46/45/44 'm3'
    a > 50 02 $q
    a < 62 02 $q
    a > 70 02 $q
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.3.2-5"],
    "an expiry interval of 0 keeps a message neither for a client that is away nor as retained",
    [5],
    `
    a connects 00 11 00000e10
    a > 82 0b 0001 00 0005 '{t}/a' 01
    a < 90 04 0001 00 01
    a drop
    b connects 02
    b > 32 11 0005 '{t}/a' 0001 05 02 00000000 'm1' 33 11 0005 '{t}/b' 0002 05 02 00000000 'r2' 32 0c 0005 '{t}/a' 0003 00 'm3'
    b <~ 40 0001
    b <~ 40 0002
    b < 40 02 0003
    advance 1
    a resumes 00 11 00000e10
    a < 32 0c 0005 '{t}/a' $p 00 'm3'
    a > 40 02 $p
    a > 82 0b 0002 00 0005 '{t}/b' 00
    a < 90 04 0002 00 00
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.3.2-5", "MQTT-3.3.2-6"],
    "a retained message is sent with the rest of its expiry interval, and to nobody when that is over",
    [5],
    `
    b connects 02
    b > 33 11 0005 '{t}/a' 0001 05 02 00000046 'r1' 33 0c 0005 '{t}/b' 0002 00 'r2'
    b < 40 02 0001 40 02 0002
    advance 30
    a connects 02
    a > 82 0b 0001 00 0005 '{t}/a' 01
    a <* 90 04 0001 00 01 | 33 11 0005 '{t}/a' $p 05 02 000000 28/27/26 'r1'
    a > 40 02 $p
    a > 82 0b 0002 00 0005 '{t}/+' 00
    a <* 90 04 0002 00 00 | 31 0f 0005 '{t}/a' 05 02 000000 28/27/26 'r1' | 31 0a 0005 '{t}/b' 00 'r2'
    advance 45
    c connects 02
    c > 82 0b 0001 00 0005 '{t}/a' 00
    c < 90 04 0001 00 00
    c quiet
    c > 82 0b 0002 00 0005 '{t}/+' 00
    c <* 90 04 0002 00 00 | 31 0a 0005 '{t}/b' 00 'r2'
    c quiet
    c > 31 08 0005 '{t}/b' 00
    c < 30 08 0005 '{t}/b' 00
  `,
  ),
  dialogue(
    ["MQTT-3.3.1-5", "MQTT-3.3.2-5"],
    "a retained message that replaced another has its own expiry interval, or none",
    [5],
    `
    b connects 02
    b > 33 11 0005 '{t}/a' 0001 05 02 0000000a 'r1' 33 0c 0005 '{t}/a' 0002 00 'r2'
    b < 40 02 0001 40 02 0002
    b > 33 0c 0005 '{t}/b' 0003 00 'r3' 33 11 0005 '{t}/b' 0004 05 02 0000000a 'r4'
    b < 40 02 0003 40 02 0004
    advance 30
    a connects 02
    a > 82 0b 0001 00 0005 '{t}/+' 00
    a <* 90 04 0001 00 00 | 31 0a 0005 '{t}/a' 00 'r2'
    a quiet
    b > 31 08 0005 '{t}/a' 00
    a < 30 08 0005 '{t}/a' 00
  `,
  ),
  dialogue(
    ["MQTT-4.3.3-7", "MQTT-4.3.3-13", "MQTT-4.4.0-1"],
    "a QoS 2 message that was sent does not expire: PUBLISH and PUBREL come again, and the exchange goes on",
    [5],
    `
    a connects 00 11 00000e10
    a > 82 0b 0001 00 0005 '{t}/a' 02
    a < 90 04 0001 00 02
    b connects 02
    b > 34 11 0005 '{t}/a' 0001 05 02 0000000a 'm1' 34 11 0005 '{t}/a' 0002 05 02 0000000a 'm2' 34 11 0005 '{t}/a' 0003 05 02 0000000a 'm3'
    b < 50 02 0001 50 02 0002 50 02 0003
    a < 34 11 0005 '{t}/a' $p 05 02 000000 0a/09/08 'm1' 34 11 0005 '{t}/a' $q 05 02 000000 0a/09/08 'm2' 34 11 0005 '{t}/a' $r 05 02 000000 0a/09/08 'm3'
    a > 50 02 $p
    a < 62 02 $p
    advance 30
    a > 50 02 $r
    a < 62 02 $r
    a drop
    a resumes 00 11 00000e10
    a <* 62 02 $p | 62 02 $r | 3c 11 0005 '{t}/a' $q 05 02 ........ 'm2'
    a > 70 02 $p 70 02 $r 50 02 $q
    a < 62 02 $q
    a > 70 02 $q
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-4.3.3-13"],
    "a client's QoS 2 exchange is finished although the message expired",
    [5],
    `
    a connects 00 11 00000e10
    a > 82 0b 0001 00 0005 '{t}/a' 02
    a < 90 04 0001 00 02
    a drop
    b connects 00 11 00000e10
    b > 34 11 0005 '{t}/a' 0001 05 02 0000000a 'm1'
    b < 50 02 0001
    advance 30
    b drop
    b resumes 00 11 00000e10
    b > 3c 11 0005 '{t}/a' 0001 05 02 0000000a 'm1'
    b < 50 02 0001
    b > 62 02 0001
    b < 70 02 0001
    a resumes 00 11 00000e10
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.3.2-5"],
    "a retained message that expires while receive maximum holds it back is not sent, and the next one is",
    [5],
    `
    b connects 02
    b > 33 0c 0005 '{t}/a' 0001 00 'r1' 33 11 0005 '{t}/b' 0002 05 02 0000000a 'r2' 33 0c 0005 '{t}/c' 0003 00 'r3'
    b < 40 02 0001 40 02 0002 40 02 0003
    a connects 00 11 00000e10 21 0001
    a > 82 0b 0001 00 0005 '{t}/+' 01
    a <* 90 04 0001 00 01 | 33 0c 0005 '{t}/a' $p 00 'r1'
    a quiet
    advance 30
    a > 40 02 $p
    a < 33 0c 0005 '{t}/c' $q 00 'r3'
    a > 40 02 $q
    a quiet
    b > 31 08 0005 '{t}/a' 00 31 08 0005 '{t}/c' 00
    a < 30 08 0005 '{t}/a' 00 30 08 0005 '{t}/c' 00
  `,
  ),
];
