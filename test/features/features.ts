// What a Worker says and does whose variables take features away and lower the limits (`conformance-features` in
// vitest.config.ts). CONNACK 0 says 24 bytes: receive maximum 2, maximum packet size 200, topic alias maximum 1,
// maximum QoS 1, no retained messages, no wildcards, no subscription identifiers, no shared subscriptions, server keep
// alive 50 s (three bytes less where the client's own is shorter).

import { dialogue } from "../conformance/dialogue.ts";

const LIMITS = "21 0002 27 000000c8 22 0001";
const FEATURES = "24 01 25 00 28 00 29 00 2a 00";
const SERVER_KEEP_ALIVE = "13 0032";

export const connackProperties = `${LIMITS} ${FEATURES} ${SERVER_KEEP_ALIVE}`;

export const features = [
  dialogue(
    ["MQTT-3.1.2-28", "MQTT-3.2.2-9"],
    "CONNACK tells what is not available, and a session expiry, a client identifier and a response information where they differ",
    [5],
    `
    a > CONNECT 02 000a 00 0003 '{a}'
    a < 20 18 00 00 15 ${LIMITS} ${FEATURES}
    a disconnects
    a > CONNECT 02 0000 07 11 ffffffff 19 01 0003 '{a}'
    a < 20 29 00 00 26 ${LIMITS} ${FEATURES} 11 00000064 ${SERVER_KEEP_ALIVE} 1a 0006 're/{a}'
    a disconnects
    a > CONNECT 02 0000 05 11 00000064 0003 '{a}'
    a < 20 1b 00 00 18 ${LIMITS} ${FEATURES} ${SERVER_KEEP_ALIVE}
    a disconnects
    b > CONNECT 02 0000 05 11 00000065 0000
    b <~ 20 00 00 49 ${LIMITS} ${FEATURES} 11 00000064 12 0029 'auto-'
  `,
  ),
  dialogue(
    ["MQTT-3.2.2-12", "MQTT-3.2.2-13"],
    "a will above the maximum QoS is refused with 0x9B, a retained one with 0x9A, and one that says UTF-8 and is not with 0x99",
    [5],
    `
    a > CONNECT 16 003c 00 0003 '{a}' 00 0005 '{t}/w' 0004 'gone'
    a refused 9b
    a > CONNECT 26 003c 00 0003 '{a}' 00 0005 '{t}/w' 0004 'gone'
    a refused 9a
    a > CONNECT 06 003c 00 0003 '{a}' 02 01 01 0005 '{t}/w' 0001 ff
    a refused 99
    a > CONNECT 0e 003c 00 0003 '{a}' 02 01 01 0005 '{t}/w' 0002 'é'
    a < 20 1b 00 00 18 ${LIMITS} ${FEATURES} ${SERVER_KEEP_ALIVE}
  `,
  ),
  dialogue(
    ["MQTT-3.2.2-10"],
    "a SUBSCRIBE of every QoS is granted up to the maximum QoS",
    [5],
    `
    a connects 02
    a > 82 1b 0001 00 0005 '{t}/0' 00 0005 '{t}/1' 01 0005 '{t}/2' 02
    a < 90 06 0001 00 00 01 01
    b connects 02
    b > 32 0c 0005 '{t}/2' 0001 00 'hi'
    b < 40 02 0001
    a < 32 0c 0005 '{t}/2' $p 00 'hi'
    a > 40 02 $p
  `,
  ),
  dialogue(
    ["MQTT-3.2.2-11", "MQTT-3.2.2-14"],
    "a PUBLISH above the maximum QoS is told 0x9B, a retained one 0x9A, and neither is delivered",
    [5],
    `
    b connects 02
    b > 82 0b 0001 00 0005 '{t}/a' 01
    b < 90 04 0001 00 01
    a connects 02
    a > 34 0c 0005 '{t}/a' 0001 00 'hi'
    a told 9b
    a connects 02
    a > 31 0a 0005 '{t}/a' 00 'hi'
    a told 9a
    b quiet
  `,
  ),
  dialogue(
    [],
    "a filter with a wildcard gets 0xA2 and a shared one 0x9E where they are not available, and a subscription identifier is told 0xA1",
    [5],
    `
    a connects 02
    a > 82 2a 0001 00 0005 '{t}/#' 00 0005 '{t}/+' 00 000c '$share/g/{t}' 00 0005 '{t}/a' 00
    a < 90 07 0001 00 a2 a2 9e 00
    a > 82 0d 0002 02 0b 01 0005 '{t}/a' 00
    a told a1
  `,
  ),
  dialogue(
    [],
    "a payload that says it is UTF-8 and is not gets 0x99, and at QoS 0 it is dropped",
    [5],
    `
    b connects 02
    b > 82 0b 0001 00 0005 '{t}/a' 01
    b < 90 04 0001 00 01
    a connects 02
    a > 32 0d 0005 '{t}/a' 0001 02 01 01 ff
    a <~ 40 0001 99
    a > 30 0b 0005 '{t}/a' 02 01 01 ff
    a > 32 0d 0005 '{t}/a' 0002 02 01 00 ff
    a < 40 02 0002
    b < 32 0d 0005 '{t}/a' $p 02 01 00 ff
    b > 40 02 $p
    b quiet
  `,
  ),
  dialogue(
    [],
    "a packet above the maximum packet size is told 0x95, a topic alias above the maximum 0x94, and at both it is read",
    [5],
    `
    b connects 02
    b > 82 0b 0001 00 0005 '{t}/a' 00
    b < 90 04 0001 00 00
    a connects 02
    a > 30 c6 01 0005 '{t}/a' 00 'x'*190 (201 bytes)
    a told 95
    a connects 02
    a > 30 0d 0005 '{t}/a' 03 23 0002 'hi'
    a told 94
    a connects 02
    a > 30 c5 01 0005 '{t}/a' 03 23 0001 'x'*186 (200 bytes)
    b < 30 c2 01 0005 '{t}/a' 00 'x'*186
    c > 10 c6 01 0004 'MQTT' 05 c2 003c 00 0003 '{c}' 0004 'user' 00ad 'x'*173
    c <? 20 03 00 95 00
    c closed
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-22"],
    "a v5 client without a keep-alive, or with a longer one than the server's, is told that; the others keep their own",
    [5],
    `
    a > CONNECT 02 000a 00 0003 '{a}' (10 s)
    a < 20 18 00 00 15 ${LIMITS} ${FEATURES}
    b > 10 0f 0004 'MQTT' 04 02 000a 0003 '{b}'
    b < 20 02 00 00
    c > CONNECT 02 0000 00 0003 '{c}'
    c < 20 1b 00 00 18 ${LIMITS} ${FEATURES} ${SERVER_KEEP_ALIVE}
    d > CONNECT 02 0033 00 0003 '{d}'
    d < 20 1b 00 00 18 ${LIMITS} ${FEATURES} ${SERVER_KEEP_ALIVE}
    advance 35
    a told 8d
    b closed
    c quiet
    advance 35
    c quiet
  `,
  ),
];
