// Properties in packets that do not have them, twice, and out of range (§2.2.2.2 and each property's paragraph), for every
// packet of a client and with a will. The whole matrix is in the codec's unit test; this is what becomes of it on the wire.

import { dialogue } from "../dialogue.ts";

export const propertyMatrix = [
  dialogue(
    ["MQTT-4.13.1-1"],
    "a CONNECT with a property of another packet is refused as malformed, with one twice as a protocol error",
    [5],
    `
    a > CONNECT 02 003c 02 01 00 0003 '{a}' (payload format indicator)
    a refused 81
    a > CONNECT 02 003c 05 18 00000001 0003 '{a}' (will delay interval)
    a refused 81
    a > CONNECT 02 003c 03 13 0009 0003 '{a}' (server keep alive)
    a refused 81
    a > CONNECT 02 003c 02 2b 00 0003 '{a}' (no property)
    a refused 81
    a > CONNECT 02 003c 0a 11 00000000 11 00000009 0003 '{a}'
    a refused 82
    a > CONNECT 02 003c 06 21 0009 21 0009 0003 '{a}'
    a refused 82
    a > CONNECT 02 003c 08 15 0001 'm' 15 0001 'm' 0003 '{a}'
    a refused 82
  `,
  ),
  dialogue(
    ["MQTT-4.13.1-1"],
    "a CONNECT with a property out of its range is refused as a protocol error",
    [5],
    `
    a > CONNECT 02 003c 03 21 0000 0003 '{a}' (receive maximum)
    a refused 82
    a > CONNECT 02 003c 05 27 00000000 0003 '{a}' (maximum packet size)
    a refused 82
    a > CONNECT 02 003c 02 17 02 0003 '{a}' (request problem information)
    a refused 82
    a > CONNECT 02 003c 02 19 ff 0003 '{a}' (request response information)
    a refused 82
    a connects 02 21 0001 22 0000 17 01 19 00 11 00000000
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-4.13.1-1"],
    "a will with a property of another packet is refused as malformed, with one twice or out of its range as a protocol error",
    [5],
    `
    a > CONNECT 06 003c 00 0003 '{a}' 05 11 00000001 0003 '{t}' 0000 (session expiry interval)
    a refused 81
    a > CONNECT 06 003c 00 0003 '{a}' 03 23 0001 0003 '{t}' 0000 (topic alias)
    a refused 81
    a > CONNECT 06 003c 00 0003 '{a}' 0a 18 00000000 18 00000000 0003 '{t}' 0000
    a refused 82
    a > CONNECT 06 003c 00 0003 '{a}' 02 01 02 0003 '{t}' 0000 (payload format indicator)
    a refused 82
    a > CONNECT 06 003c 00 0003 '{a}' 06 08 0003 'r/#' 0003 '{t}' 0000 (response topic)
    a refused 82
  `,
  ),
  dialogue(
    ["MQTT-4.13.1-1"],
    "a PUBLISH with a property of another packet is malformed, with one twice a protocol error, and nothing is delivered",
    [5],
    `
    b connects 02
    b > 82 0b 0001 00 0005 '{t}/a' 00
    b < 90 04 0001 00 00
    a connects 02
    a > 30 0d 0005 '{t}/a' 05 11 00000001 (session expiry interval)
    a told 81
    a connects 02
    a > 32 10 0005 '{t}/a' 0001 04 1f 0001 'x' 'hi' (reason string)
    a told 81
    a connects 02
    a > 30 0c 0005 '{t}/a' 04 01 00 01 01
    a told 82
    a connects 02
    a > 30 12 0005 '{t}/a' 0a 02 00000000 02 00000009
    a told 82
    a connects 02
    a > 30 10 0005 '{t}/a' 08 03 0001 'x' 03 0001 'x'
    a told 82
    a connects 02
    a > 30 0e 0005 '{t}/a' 06 23 0001 23 0001
    a told 82
    b quiet
  `,
  ),
  dialogue(
    ["MQTT-3.3.2-8", "MQTT-3.3.2-14", "MQTT-3.3.4-6", "MQTT-4.13.1-1"],
    "a PUBLISH with topic alias 0 is answered with 0x94, with a subscription identifier or a response topic that is no topic name with 0x82",
    [5],
    `
    a connects 02
    a > 30 0b 0005 '{t}/a' 03 23 0000
    a told 94
    a connects 02
    a > 30 0c 0005 '{t}/a' 02 0b 01 'hi'
    a told 82
    a connects 02
    a > 30 10 0005 '{t}/a' 06 08 0003 'r/+' 'hi'
    a told 82
    a connects 02
    a > 30 0d 0005 '{t}/a' 03 08 0000 'hi'
    a told 82
    a connects 02
    a > 30 0c 0005 '{t}/a' 02 01 02 'hi' (payload format indicator)
    a told 82
  `,
  ),
  dialogue(
    ["MQTT-4.13.1-1"],
    "a SUBSCRIBE or UNSUBSCRIBE with a property of another packet is malformed, and nothing is subscribed",
    [5],
    `
    a connects 02
    a > 82 0f 0001 04 1f 0001 'x' 0005 '{t}/a' 00 (reason string)
    a told 81
    a connects 02
    a > 82 0e 0001 03 23 0001 0005 '{t}/a' 00 (topic alias)
    a told 81
    a connects 02
    a > a2 0c 0001 02 0b 01 0005 '{t}/a' (subscription identifier)
    a told 81
    b connects 02
    b > 32 0c 0005 '{t}/a' 0001 00 'hi'
    b < 40 03 0001 10
  `,
  ),
  dialogue(
    ["MQTT-4.13.1-1"],
    "a SUBSCRIBE with subscription identifier 0, or with two, is a protocol error",
    [5],
    `
    a connects 02
    a > 82 0d 0001 02 0b 00 0005 '{t}/a' 00
    a told 82
    a connects 02
    a > 82 0f 0001 04 0b 01 0b 02 0005 '{t}/a' 00
    a told 82
    b connects 02
    b > 32 0c 0005 '{t}/a' 0001 00 'hi'
    b < 40 03 0001 10
  `,
  ),
  dialogue(
    ["MQTT-4.13.1-1"],
    "an acknowledgement with a property of another packet is malformed, with two reason strings a protocol error",
    [5],
    `
    a connects 02
    a > 40 06 0001 00 02 01 00 (PUBACK)
    a told 81
    a connects 02
    a > 50 09 0001 00 05 11 00000001 (PUBREC)
    a told 81
    a connects 02
    a > 62 08 0001 00 04 1c 0001 'x' (PUBREL)
    a told 81
    a connects 02
    a > 70 07 0001 00 03 23 0001 (PUBCOMP)
    a told 81
    a connects 02
    a > 40 0c 0001 00 08 1f 0001 'x' 1f 0001 'x'
    a told 82
    a connects 02
    a > 62 0c 0001 00 08 1f 0001 'x' 1f 0001 'x'
    a told 82
  `,
  ),
  dialogue(
    ["MQTT-3.4.2-1", "MQTT-3.5.2-1", "MQTT-3.6.2-1", "MQTT-3.7.2-1", "MQTT-3.14.2-1", "MQTT-4.13.1-1"],
    "a reason code that the packet does not have, or that only a server sends, is a protocol error",
    [5],
    `
    a connects 02
    a > 40 03 0001 92 (PUBACK)
    a told 82
    a connects 02
    a > 50 04 0001 01 00 (PUBREC)
    a told 82
    a connects 02
    a > 62 03 0001 10 (PUBREL)
    a told 82
    a connects 02
    a > 70 03 0001 80 (PUBCOMP)
    a told 82
    a connects 02
    a > e0 01 8e (DISCONNECT)
    a told 82
    a connects 02
    a > e0 01 01
    a told 82
  `,
  ),
  dialogue(
    ["MQTT-4.13.1-1"],
    "a DISCONNECT with a property of another packet, with one twice or with a server reference is no DISCONNECT: the will is published",
    [5],
    `
    b connects 02
    b > 82 0b 0001 00 0005 '{t}/w' 00
    b < 90 04 0001 00 00
    a > CONNECT 06 003c 00 0003 '{a}' 00 0005 '{t}/w' 0002 'm1'
    a < 20 0e 00 00 0b {limits}
    a > e0 05 00 03 21 0001 (receive maximum)
    a told 81
    b < 30 0a 0005 '{t}/w' 00 'm1'
    a > CONNECT 06 003c 00 0003 '{a}' 00 0005 '{t}/w' 0002 'm2'
    a < 20 0e 00 00 0b {limits}
    a > e0 0c 00 0a 11 00000000 11 00000000
    a told 82
    b < 30 0a 0005 '{t}/w' 00 'm2'
    a > CONNECT 06 003c 00 0003 '{a}' 00 0005 '{t}/w' 0002 'm3'
    a < 20 0e 00 00 0b {limits}
    a > e0 06 00 04 1c 0001 'x'
    a told 82
    b < 30 0a 0005 '{t}/w' 00 'm3'
  `,
  ),
];
