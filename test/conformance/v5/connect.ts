// CONNECT: protocol name and level, order of packets, flags and fields, client identifiers, properties (§3.1).
// Flags: 80 user name, 40 password, 20 will retain, 18 will QoS, 04 will, 02 clean start, 01 reserved.

import { dialogue } from "../dialogue.ts";

export const connect = [
  dialogue(
    ["MQTT-3.1.4-5", "MQTT-3.2.0-1", "MQTT-3.2.0-2", "MQTT-3.2.2-1", "MQTT-3.2.2-3", "MQTT-3.2.2-8"],
    "a valid CONNECT is answered by one CONNACK 0 with the server's limits before anything else",
    [5],
    `
    a > CONNECT 02 003c 00 0003 '{a}'
    a < 20 0e 00 00 0b {limits}
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-4.2-1", "MQTT-4.2.0-1"],
    "a client that knows only the standard subscribes, publishes and receives over the ordered stream",
    [5],
    `
    a connects 02
    a > 82 0b 0001 00 0005 '{t}/a' 00
    a < 90 04 0001 00 00
    a > 30 0a 0005 '{t}/a' 00 'hi'
    a < 30 0a 0005 '{t}/a' 00 'hi'
    a > c0 00
    a < d0 00
    a disconnects
  `,
  ),
  dialogue(
    ["MQTT-3.1.0-1", "MQTT-3.14.0-1"],
    "a connection whose first packet is no CONNECT is closed without a word, and nothing is published",
    [5],
    `
    a connects 02
    a > 82 0b 0001 00 0005 '{t}/a' 01
    a < 90 04 0001 00 01
    b > 32 0c 0005 '{t}/a' 0001 00 'hi'
    b closed
    b > 82 0b 0001 00 0005 '{t}/a' 01
    b closed
    b > c0 00
    b closed
    b > e0 00
    b closed
    b > f0 00
    b closed
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.1.0-2", "MQTT-4.13.1-1"],
    "a second CONNECT on a connection is told as a protocol error and closes it, in the same frame too",
    [5],
    `
    a connects 02
    a > CONNECT 02 003c 00 0003 '{a}'
    a told 82
    b > CONNECT 02 003c 00 0003 '{b}' ; CONNECT 02 003c 00 0003 '{b}'
    b < 20 0e 00 00 0b {limits}
    b told 82
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-1"],
    "a CONNECT with an unknown protocol name is not accepted",
    [5],
    `
    a > 10 10 0004 'MQTX' 05 02 003c 00 0003 '{a}'
    a closed
    b > 10 10 0004 'mqtt' 05 02 003c 00 0003 '{b}'
    b closed
    c > 10 10 0004 00 'QTT' 05 02 003c 00 0003 '{c}'
    c closed
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-2", "MQTT-3.2.2-6", "MQTT-3.2.2-7"],
    "a newer protocol level is refused with CONNACK 0x84, an older one with CONNACK 1 in the form of MQTT 3",
    [5],
    `
    a connects 00 11 00000064
    a disconnects
    a > 10 10 0004 'MQTT' 06 00 003c 00 0003 '{a}'
    a refused 84
    b > 10 08 0004 'MQTT' ff '?'
    b refused 84
    b > 10 0f 0004 'MQTT' 03 02 003c 0003 '{b}'
    b < 20 02 00 01
    b closed
    b > 10 0f 0004 'MQTT' 00 02 003c 0003 '{b}'
    b < 20 02 00 01
    b closed
    b > 10 12 0006 'MQIsdp' 05 02 003c 00 0003 '{b}'
    b < 20 02 00 01
    b closed
    a resumes 00
  `,
  ),
  dialogue(
    ["MQTT-3.1.4-6"],
    "what follows a refused CONNECT is not processed",
    [5],
    `
    b connects 02
    b > 82 0b 0001 00 0005 '{t}/a' 01
    b < 90 04 0001 00 01
    a > 10 10 0004 'MQTT' 06 02 003c 00 0003 '{a}' 32 0c 0005 '{t}/a' 0001 00 'hi'
    a refused 84
    a > CONNECT 02 003c 03 21 0000 0003 '{a}' ; 32 0c 0005 '{t}/a' 0001 00 'hi'
    a refused 82
    b quiet
  `,
  ),
  dialogue(
    ["MQTT-3.1.4-5"],
    "packets sent before CONNACK was received are processed after it",
    [5],
    `
    a > CONNECT 02 003c 00 0003 '{a}' ; 82 0b 0001 00 0005 '{t}/a' 00 c0 00
    a < 20 0e 00 00 0b {limits}
    a <* 90 04 0001 00 00 | d0 00
  `,
  ),
  dialogue(
    ["MQTT-3.1.4-1", "MQTT-3.1.3-1", "MQTT-3.1.3-3"],
    "a CONNECT that ends within a field or goes on behind the last one is refused as malformed",
    [5],
    `
    a > 10 0e 0004 'MQTT' 05 02 003c 00 0003 'x'
    a refused 81
    a > 10 0a 0004 'MQTT' 05 02 003c
    a refused 81
    a > 10 0b 0004 'MQTT' 05 02 003c 00
    a refused 81
    a > 10 0d 0004 'MQTT' 05 02 003c 05 21 00
    a refused 81
    a > CONNECT 02 003c 00 0003 '{a}' 00
    a refused 81
    a > CONNECT 02 003c 00 0003 '{a}' 0004 'user'
    a refused 81
    b > 10 03 0004 'M'
    b closed
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-3", "MQTT-3.1.4-1"],
    "a CONNECT with the reserved flag set is refused as malformed",
    [5],
    `
    a > CONNECT 03 003c 00 0003 '{a}'
    a refused 81
    a > CONNECT 01 003c 00 0003 '{a}'
    a refused 81
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-11", "MQTT-3.1.2-12", "MQTT-3.1.2-13"],
    "a CONNECT with will QoS 3, or with will QoS or will retain and no will, is refused as malformed",
    [5],
    `
    a > CONNECT 1e 003c 00 0003 '{a}' 00 0005 '{t}/w' 0004 'gone'
    a refused 81
    a > CONNECT 0a 003c 00 0003 '{a}'
    a refused 81
    a > CONNECT 12 003c 00 0003 '{a}'
    a refused 81
    a > CONNECT 1a 003c 00 0003 '{a}'
    a refused 81
    a > CONNECT 22 003c 00 0003 '{a}'
    a refused 81
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-9"],
    "will properties, topic and payload are read where the will flag is set, and only there",
    [5],
    `
    a > CONNECT 06 003c 00 0003 '{a}' 00 0005 '{t}/w' 0004 'gone'
    a < 20 0e 00 00 0b {limits}
    a disconnects
    a > CONNECT 06 003c 00 0003 '{a}' 00 0005 '{t}/w' 0000
    a < 20 0e 00 00 0b {limits}
    a disconnects
    b > CONNECT 06 003c 00 0003 '{b}'
    b refused 81
    b > CONNECT 06 003c 00 0003 '{b}' 00
    b refused 81
    b > CONNECT 06 003c 00 0003 '{b}' 00 0005 '{t}/w'
    b refused 81
    b > CONNECT 06 003c 00 0003 '{b}' 0005 '{t}/w' 0004 'gone' (no will properties)
    b refused 81
    b > CONNECT 02 003c 00 0003 '{b}' 00 0005 '{t}/w' 0004 'gone'
    b refused 81
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-16", "MQTT-3.1.2-17", "MQTT-3.1.2-18", "MQTT-3.1.2-19", "MQTT-3.1.3-1"],
    "user name and password are read where their flags are set, each without the other too, behind the will",
    [5],
    `
    a > CONNECT c2 003c 00 0003 '{a}' 0004 'user' 0004 'pass'
    a < 20 0e 00 00 0b {limits}
    a disconnects
    a > CONNECT 82 003c 00 0003 '{a}' 0004 'user'
    a < 20 0e 00 00 0b {limits}
    a disconnects
    a > CONNECT 42 003c 00 0003 '{a}' 0004 00 ff fe c0 (binary data)
    a < 20 0e 00 00 0b {limits}
    a > 82 0b 0001 00 0005 '{t}/w' 00
    a < 90 04 0001 00 00
    b > CONNECT c6 003c 00 0003 '{b}' 00 0005 '{t}/w' 0004 'gone' 0004 'user' 0004 'pass'
    b < 20 0e 00 00 0b {limits}
    b drop
    a < 30 0c 0005 '{t}/w' 00 'gone'
    b > CONNECT 82 003c 00 0003 '{b}'
    b refused 81
    b > CONNECT c2 003c 00 0003 '{b}' 0004 'user'
    b refused 81
    b > CONNECT 42 003c 00 0003 '{b}'
    b refused 81
    b > CONNECT 82 003c 00 0003 '{b}' 0004 'user' 0004 'pass'
    b refused 81
  `,
  ),
  dialogue(
    ["MQTT-3.1.3-5"],
    "client identifiers of 1 to 23 letters and digits are accepted, and longer ones with other characters",
    [5],
    `
    a > CONNECT 02 003c 00 0001 'Z'
    a < 20 0e 00 00 0b {limits}
    b > CONNECT 02 003c 00 0017 '{b}456789abcdefghijklmn'
    b < 20 0e 00 00 0b {limits}
    c > CONNECT 02 003c 00 0017 '{c}opqrstuvwxyzABCDEFGH'
    c < 20 0e 00 00 0b {limits}
    d > CONNECT 02 003c 00 0015 '{d}IJKLMNOPQRSTUVWXYZ'
    d < 20 0e 00 00 0b {limits}
    a2 > CONNECT 02 003c 00 0080 '{a}/-_.: é' 'x'*117
    a2 < 20 0e 00 00 0b {limits}
  `,
  ),
  dialogue(
    ["MQTT-3.1.3-8", "MQTT-3.1.4-2", "MQTT-3.2.2-6", "MQTT-3.2.2-7"],
    "a client identifier that the server does not allow is refused with 0x85 and the connection is closed",
    [5],
    `
    a > CONNECT 02 003c 00 0401 'x'*1025
    a refused 85
    a > CONNECT 00 003c 05 11 00000064 0401 'x'*1025
    a refused 85
  `,
  ),
  dialogue(
    ["MQTT-3.1.4-1"],
    "every property of CONNECT is accepted, user properties more than once",
    [5],
    `
    a connects 02 26 0001 'k' 0001 '1' 19 00 11 ffffffff 21 0001 27 00100000 22 ffff 17 01 26 0001 'k' 0001 '2'
    a quiet
  `,
  ),
];
