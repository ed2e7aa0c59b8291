// Wills: when they are published and when not, their delay and their properties (§3.1.2.5 – §3.1.2.7, §3.1.3.2).
// Flags: 04 is a will of QoS 0, 0c of QoS 1, 14 of QoS 2; 20 retains; 02 is clean start. Property 18 is the Will Delay Interval.

import { dialogue } from "../dialogue.ts";

export const will = [
  dialogue(
    ["MQTT-3.1.2-7", "MQTT-3.1.2-8", "MQTT-3.1.2-14"],
    "a will is published when the connection is lost without DISCONNECT, not retained where Will Retain is 0",
    [5],
    `
    b connects 02
    b > 82 0b 0001 00 0005 '{t}/w' 0a (retain as published)
    b < 90 04 0001 00 02
    a > CONNECT 06 003c 00 0003 '{a}' 00 0005 '{t}/w' 0004 'gone'
    a < 20 0e 00 00 0b {limits}
    a drop
    b < 30 0c 0005 '{t}/w' 00 'gone'
    c connects 02
    c > 82 0b 0001 00 0005 '{t}/w' 02
    c < 90 04 0001 00 02
    c quiet
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-9", "MQTT-3.1.2-15"],
    "a will is published at its QoS, and with Will Retain 1 as a retained message",
    [5],
    `
    b connects 02
    b > 82 0b 0001 00 0005 '{t}/w' 02
    b < 90 04 0001 00 02
    a > CONNECT 0e 003c 00 0003 '{a}' 00 0005 '{t}/w' 0004 'gone'
    a < 20 0e 00 00 0b {limits}
    a drop
    b < 32 0e 0005 '{t}/w' $p 00 'gone'
    b > 40 02 $p
    a > CONNECT 36 003c 00 0003 '{a}' 00 0005 '{t}/w' 0004 'kept'
    a < 20 0e 00 00 0b {limits}
    a drop
    b < 34 0e 0005 '{t}/w' $q 00 'kept'
    b > 50 02 $q
    b < 62 02 $q
    b > 70 02 $q
    c connects 02
    c > 82 0b 0001 00 0005 '{t}/w' 00
    c <* 90 04 0001 00 00 | 31 0c 0005 '{t}/w' 00 'kept'
    a > CONNECT 26 003c 00 0003 '{a}' 00 0005 '{t}/w' 0000
    a < 20 0e 00 00 0b {limits}
    a drop
    b < 30 08 0005 '{t}/w' 00
    c < 30 08 0005 '{t}/w' 00
    d connects 02
    d > 82 0b 0001 00 0005 '{t}/w' 00
    d < 90 04 0001 00 00
    d quiet
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-10", "MQTT-3.14.4-3"],
    "a will is removed by DISCONNECT 0 and not published, at a later loss of the session's connection neither",
    [5],
    `
    b connects 02
    b > 82 0b 0001 00 0005 '{t}/w' 01
    b < 90 04 0001 00 01
    a > CONNECT 0e 003c 00 0003 '{a}' 00 0005 '{t}/w' 0004 'gone'
    a < 20 0e 00 00 0b {limits}
    a disconnects
    a > CONNECT 0c 003c 05 11 00000064 0003 '{a}' 05 18 00000001 0005 '{t}/w' 0004 'gone'
    a < 20 0e 00 00 0b {limits}
    a disconnects
    advance 10
    a resumes 00 11 00000064
    a drop
    advance 10
    b quiet
    a resumes 00
    b quiet
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-10"],
    "a will that was published is gone: the next connection of the session has none",
    [5],
    `
    b connects 02
    b > 82 0b 0001 00 0005 '{t}/w' 01
    b < 90 04 0001 00 01
    a > CONNECT 0c 003c 05 11 00000064 0003 '{a}' 00 0005 '{t}/w' 0004 'gone'
    a < 20 0e 00 00 0b {limits}
    a drop
    b < 32 0e 0005 '{t}/w' $p 00 'gone'
    b > 40 02 $p
    a resumes 00 11 00000064
    a drop
    a resumes 00
    a drop
    b quiet
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-8"],
    "a will is published when the server ends the connection for a protocol error",
    [5],
    `
    b connects 02
    b > 82 0b 0001 00 0005 '{t}/w' 00
    b < 90 04 0001 00 00
    a > CONNECT 06 003c 00 0003 '{a}' 00 0005 '{t}/w' 0004 'gone'
    a < 20 0e 00 00 0b {limits}
    a > 36 0c 0005 '{t}/a' 0001 00 'hi'
    a told 81
    b < 30 0c 0005 '{t}/w' 00 'gone'
    a > CONNECT 06 003c 00 0003 '{a}' 00 0005 '{t}/w' 0004 'gone'
    a < 20 0e 00 00 0b {limits}
    a > CONNECT 06 003c 00 0003 '{a}' 00 0005 '{t}/w' 0004 'gone'
    a told 82
    b < 30 0c 0005 '{t}/w' 00 'gone'
    b quiet
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-8", "MQTT-3.1.4-3"],
    "a takeover publishes the will of the first connection where it has no delay or its session ends",
    [5],
    `
    b connects 02
    b > 82 0b 0001 00 0005 '{t}/w' 00
    b < 90 04 0001 00 00
    a > CONNECT 04 003c 05 11 00000064 0003 '{a}' 00 0005 '{t}/w' 0003 'one'
    a < 20 0e 00 00 0b {limits}
    a2 resumes 00
    a told 8e
    b < 30 0b 0005 '{t}/w' 00 'one'
    a2 disconnects
    a > CONNECT 04 003c 00 0003 '{a}' 05 18 00000064 0005 '{t}/w' 0003 'two'
    a < 20 0e 00 00 0b {limits}
    a2 connects 00
    a told 8e
    b < 30 0b 0005 '{t}/w' 00 'two'
    a2 disconnects
    a > CONNECT 04 003c 05 11 00000064 0003 '{a}' 05 18 00000064 0005 '{t}/w' 0003 'six'
    a < 20 0e 00 00 0b {limits}
    a2 connects 02
    a told 8e
    b < 30 0b 0005 '{t}/w' 00 'six'
    a2 drop
    b quiet
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-8", "MQTT-3.8.3-3", "MQTT-3.14.4-1"],
    "a will reaches its own client's session, but not a subscription with No Local and not behind the DISCONNECT",
    [5],
    `
    a > CONNECT 0c 003c 05 11 00000064 0003 '{a}' 00 0005 '{t}/w' 0003 'one'
    a < 20 0e 00 00 0b {limits}
    a > 82 0b 0001 00 0005 '{t}/w' 05 (No Local)
    a < 90 04 0001 00 01
    a > 82 0b 0002 00 0005 '{t}/+' 01
    a < 90 04 0002 00 01
    a2 > CONNECT 0c 003c 05 11 00000064 0003 '{a}' 00 0005 '{t}/w' 0003 'two'
    a2 < 20 0e 01 00 0b {limits}
    a told 8e
    a2 < 32 0d 0005 '{t}/w' $p 00 'one'
    a2 > 40 02 $p
    a2 > a2 0a 0003 00 0005 '{t}/+'
    a2 < b0 04 0003 00 00
    a3 resumes 00
    a2 told 8e
    a3 quiet
  `,
  ),
  dialogue(
    ["MQTT-3.1.3-9", "MQTT-3.1.2-8"],
    "a takeover of the session before the Will Delay Interval is over cancels the will, and the new one's counts",
    [5],
    `
    b > CONNECT 02 0000 00 0003 '{b}'
    b < 20 0e 00 00 0b {limits}
    b > 82 0b 0001 00 0005 '{t}/w' 00
    b < 90 04 0001 00 00
    a > CONNECT 04 0000 05 11 00000064 0003 '{a}' 05 18 0000000a 0005 '{t}/w' 0003 'one'
    a < 20 0e 00 00 0b {limits}
    a2 > CONNECT 04 0000 05 11 00000064 0003 '{a}' 05 18 00000014 0005 '{t}/w' 0003 'two'
    a2 < 20 0e 01 00 0b {limits}
    a told 8e
    advance 50
    b quiet
    a2 drop
    b quiet
    advance 15
    b quiet
    advance 10
    b < 30 0b 0005 '{t}/w' 00 'two'
    advance 100
    b quiet
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-8"],
    "a will with a delay is published when it is over and not before",
    [5],
    `
    b > CONNECT 02 0000 00 0003 '{b}'
    b < 20 0e 00 00 0b {limits}
    b > 82 0b 0001 00 0005 '{t}/w' 01
    b < 90 04 0001 00 01
    a > CONNECT 0e 0000 05 11 00000064 0003 '{a}' 05 18 0000001e 0005 '{t}/w' 0004 'gone'
    a < 20 0e 00 00 0b {limits}
    advance 100
    b quiet
    a drop
    b quiet
    advance 20
    b quiet
    advance 15
    b < 32 0e 0005 '{t}/w' $p 00 'gone'
    b > 40 02 $p
    a resumes 00
    a drop
    advance 100
    b quiet
  `,
  ),
  dialogue(
    ["MQTT-3.1.3-9"],
    "a will with a delay is not published where the client comes back to its session before",
    [5],
    `
    b > CONNECT 02 0000 00 0003 '{b}'
    b < 20 0e 00 00 0b {limits}
    b > 82 0b 0001 00 0005 '{t}/w' 01
    b < 90 04 0001 00 01
    a > CONNECT 0e 0000 05 11 00000064 0003 '{a}' 05 18 0000001e 0005 '{t}/w' 0004 'gone'
    a < 20 0e 00 00 0b {limits}
    a drop
    advance 20
    a > CONNECT 00 0000 05 11 00000064 0003 '{a}'
    a < 20 0e 01 00 0b {limits}
    advance 90
    b quiet
    a drop
    advance 90
    b quiet
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-8"],
    "a will with a delay is published when its session ends before: at once without an expiry, at the expiry, at a clean start",
    [5],
    `
    b > CONNECT 02 0000 00 0003 '{b}'
    b < 20 0e 00 00 0b {limits}
    b > 82 0b 0001 00 0005 '{t}/w' 00
    b < 90 04 0001 00 00
    a > CONNECT 06 0000 00 0003 '{a}' 05 18 00000e10 0005 '{t}/w' 0003 'one'
    a < 20 0e 00 00 0b {limits}
    a drop
    b < 30 0b 0005 '{t}/w' 00 'one'
    a > CONNECT 06 0000 05 11 0000000a 0003 '{a}' 05 18 00000e10 0005 '{t}/w' 0003 'two'
    a < 20 0e 00 00 0b {limits}
    a drop
    b quiet
    advance 15
    b < 30 0b 0005 '{t}/w' 00 'two'
    a > CONNECT 06 0000 05 11 00000064 0003 '{a}' 05 18 00000e10 0005 '{t}/w' 0003 'six'
    a < 20 0e 00 00 0b {limits}
    a > e0 07 04 05 11 00000000
    a closed
    b < 30 0b 0005 '{t}/w' 00 'six'
    a > CONNECT 06 0000 05 11 00000064 0003 '{a}' 05 18 00000e10 0005 '{t}/w' 0003 'ten'
    a < 20 0e 00 00 0b {limits}
    a drop
    b quiet
    a > CONNECT 02 0000 00 0003 '{a}'
    a < 20 0e 00 00 0b {limits}
    b < 30 0b 0005 '{t}/w' 00 'ten'
    b quiet
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-8"],
    "a DISCONNECT 4 with a delay publishes the will when the delay is over",
    [5],
    `
    b > CONNECT 02 0000 00 0003 '{b}'
    b < 20 0e 00 00 0b {limits}
    b > 82 0b 0001 00 0005 '{t}/w' 00
    b < 90 04 0001 00 00
    a > CONNECT 06 0000 05 11 00000005 0003 '{a}' 05 18 0000001e 0005 '{t}/w' 0003 'one'
    a < 20 0e 00 00 0b {limits}
    a > e0 07 04 05 11 00000064
    a closed
    advance 20
    b quiet
    advance 15
    b < 30 0b 0005 '{t}/w' 00 'one'
    b quiet
  `,
  ),
  dialogue(
    ["MQTT-3.1.3-10", "MQTT-3.1.2-9"],
    "the will is published with its properties, user properties in their order, and without its delay",
    [5],
    `
    b connects 02
    b > 82 0b 0001 00 0005 '{t}/w' 01
    b < 90 04 0001 00 01
    c > 10 0f 0004 'MQTT' 04 02 003c 0003 '{c}'
    c < 20 02 00 00
    c > 82 0a 0001 0005 '{t}/w' 00
    c < 90 03 0001 00
    a > CONNECT 0e 003c 00 0003 '{a}' 32 26 0001 'k' 0001 '2' 09 0002 00 ff 08 0002 'r/' 18 00000000 03 0004 'text' 26 0001 'k' 0001 '1' 02 00000064 01 01 26 0001 'a' 0001 '3' 0005 '{t}/w' 0004 'gone'
    a < 20 0e 00 00 0b {limits}
    a drop
    b < 32 3b 0005 '{t}/w' $p 2d 02 000000 63/64 01 01 03 0004 'text' 08 0002 'r/' 09 0002 00 ff 26 0001 'k' 0001 '2' 26 0001 'k' 0001 '1' 26 0001 'a' 0001 '3' 'gone'
    b > 40 02 $p
    b quiet
    c < 30 0b 0005 '{t}/w' 'gone'
  `,
  ),
  dialogue(
    ["MQTT-3.1.3-10"],
    "the expiry of a will starts when it is published, after its delay",
    [5],
    `
    b > CONNECT 00 0000 05 11 ffffffff 0003 '{b}'
    b < 20 0e 00 00 0b {limits}
    b > 82 0b 0001 00 0005 '{t}/w' 01
    b < 90 04 0001 00 01
    a > CONNECT 0e 0000 05 11 00000064 0003 '{a}' 0a 18 0000001e 02 0000000f 0005 '{t}/w' 0004 'gone'
    a < 20 0e 00 00 0b {limits}
    a drop
    advance 35
    b < 32 13 0005 '{t}/w' $p 05 02 000000 0d/0e/0f 'gone'
    b > 40 02 $p
    b quiet
    a > CONNECT 0e 0000 05 11 00000064 0003 '{a}' 0a 18 0000001e 02 0000000f 0005 '{t}/w' 0004 'gone'
    a < 20 0e 00 00 0b {limits}
    a drop
    b disconnects
    advance 35
    advance 20
    b > CONNECT 00 0000 00 0003 '{b}'
    b < 20 0e 01 00 0b {limits}
    b quiet
  `,
  ),
  dialogue(
    ["MQTT-3.1.4-1", "MQTT-3.2.2-6", "MQTT-3.2.2-7"],
    "a CONNECT whose will has a wildcard or nothing for a topic, or that is refused for another reason, publishes nothing",
    [5],
    `
    b connects 02
    b > 82 0b 0001 00 0005 '{t}/#' 01
    b < 90 04 0001 00 01
    a > CONNECT 06 003c 00 0003 '{a}' 00 0005 '{t}/#' 0004 'gone'
    a refused 90
    a > CONNECT 06 003c 00 0003 '{a}' 00 0005 '{t}/+' 0004 'gone'
    a refused 90
    a > CONNECT 06 003c 00 0003 '{a}' 00 0000 0004 'gone'
    a refused 90
    a > CONNECT 06 003c 00 0003 '{a}' 06 08 0003 'r/#' 0005 '{t}/w' 0004 'gone'
    a refused 82
    a > CONNECT 06 003c 03 21 0000 0003 '{a}' 00 0005 '{t}/w' 0004 'gone'
    a refused 82
    b quiet
  `,
  ),
];
