// CONNECT and CONNACK: protocol name and level, order of packets, client identifiers (§3.1, §3.2).

import { dialogue } from "../dialogue.ts";

export const connect = [
  dialogue(
    ["MQTT-3.1.4-4", "MQTT-3.2.0-1", "MQTT-3.2.2-3"],
    "a valid CONNECT is answered by CONNACK 0 before anything else",
    [3, 4],
    `
    a > CONNECT 02 003c 0003 '{a}'
    a < 20 02 00 00
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-7.0.0-2", "MQTT-7.1.1-1"],
    "a client that knows only the standard subscribes, publishes and receives over the ordered stream",
    [3, 4],
    `
    a connects 02
    a > 82 0a 0001 0005 '{t}/a' 00
    a < 90 03 0001 00
    a > 30 09 0005 '{t}/a' 'hi'
    a < 30 09 0005 '{t}/a' 'hi'
    a disconnects
  `,
  ),
  dialogue(
    ["MQTT-3.1.0-1"],
    "a connection whose first packet is PUBLISH is closed and nothing is published",
    [3, 4],
    `
    a connects 02
    a > 82 0a 0001 0005 '{t}/a' 01
    a < 90 03 0001 01
    b > 32 0b 0005 '{t}/a' 0001 'hi'
    b closed
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.1.0-1"],
    "a connection whose first packet is SUBSCRIBE is closed",
    [3, 4],
    `
    a > 82 0a 0001 0005 '{t}/a' 01
    a closed
  `,
  ),
  dialogue(
    ["MQTT-3.1.0-1"],
    "a connection whose first packet is PINGREQ is closed",
    [3, 4],
    `
    a > c0 00
    a closed
  `,
  ),
  dialogue(
    ["MQTT-3.1.0-1"],
    "a connection whose first packet is DISCONNECT is closed",
    [3, 4],
    `
    a > e0 00
    a closed
  `,
  ),
  dialogue(
    ["MQTT-3.1.0-2"],
    "a second CONNECT on a connection closes it",
    [3, 4],
    `
    a connects 02
    a > CONNECT 02 003c 0003 '{a}'
    a closed
  `,
  ),
  dialogue(
    ["MQTT-3.1.0-2"],
    "a second CONNECT in the same frame as the first closes the connection",
    [3, 4],
    `
    a > CONNECT 02 003c 0003 '{a}' ; CONNECT 02 003c 0003 '{a}'
    a <? 20 02 00 00
    a closed
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-1"],
    "a CONNECT with an unknown protocol name is not accepted",
    [4],
    `
    a > 10 0f 0004 'MQTX' 04 02 003c 0003 '{a}'
    a <? 20 02 00 01
    a closed
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-1"],
    "a protocol name in other letters is not accepted",
    [4],
    `
    a > 10 0f 0004 'mqtt' 04 02 003c 0003 '{a}'
    a <? 20 02 00 01
    a closed
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-2", "MQTT-3.2.2-4", "MQTT-3.2.2-5"],
    "an unknown protocol level is refused with CONNACK 1, session present 0, and the connection is closed",
    [4],
    `
    a > 10 0f 0004 'MQTT' 02 02 003c 0003 '{a}'
    a < 20 02 00 01
    a closed
    b > 10 0f 0004 'MQTT' 00 02 003c 0003 '{b}'
    b < 20 02 00 01
    b closed
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-2"],
    "the protocol name of one version with the level of the other is refused with CONNACK 1",
    [3, 4],
    `
    a > 10 0f 0004 'MQTT' 03 02 003c 0003 '{a}'
    a < 20 02 00 01
    a closed
    b > 10 11 0006 'MQIsdp' 04 02 003c 0003 '{b}'
    b < 20 02 00 01
    b closed
  `,
  ),
  dialogue(
    ["MQTT-3.2.2-4"],
    "CONNACK with a return code says session present 0 although there is a session",
    [4],
    `
    a connects 00
    a disconnects
    a > 10 0f 0004 'MQTT' 02 00 003c 0003 '{a}'
    a < 20 02 00 01
    a closed
    a resumes 00
  `,
  ),
  dialogue(
    ["MQTT-3.1.4-5"],
    "what follows a refused CONNECT is not processed",
    [4],
    `
    b connects 02
    b > 82 0a 0001 0005 '{t}/a' 01
    b < 90 03 0001 01
    a > 10 0f 0004 'MQTT' 02 02 003c 0003 '{a}' 32 0b 0005 '{t}/a' 0001 'hi' 82 0a 0001 0005 '{t}/a' 01
    a < 20 02 00 01
    a closed
    b quiet
  `,
  ),
  dialogue(
    ["MQTT-3.1.4-4"],
    "packets sent before CONNACK was received are processed after it",
    [3, 4],
    `
    a > CONNECT 02 003c 0003 '{a}' ; 82 0a 0001 0005 '{t}/a' 00 c0 00
    a < 20 02 00 00
    a <* 90 03 0001 00 | d0 00
  `,
  ),
  dialogue(
    ["MQTT-3.1.4-1", "MQTT-3.2.2-6"],
    "a CONNECT that ends within a field is closed without CONNACK",
    [4],
    `
    a > 10 0d 0004 'MQTT' 04 02 003c 0003 'x'
    a closed
    b > 10 0a 0004 'MQTT' 04 02 003c
    b closed
    c > 10 03 0004 'M'
    c closed
  `,
  ),
  dialogue(
    ["MQTT-3.1.4-1"],
    "a CONNECT that ends within a field is closed without CONNACK (MQTT 3.1)",
    [3],
    `
    a > 10 0f 0006 'MQIsdp' 03 02 003c 0003 'x'
    a closed
    b > 10 0c 0006 'MQIsdp' 03 02 003c
    b closed
  `,
  ),
  dialogue(
    ["MQTT-3.1.3-3"],
    "a CONNECT without a client identifier field is closed without CONNACK",
    [4],
    `
    a > 10 0a 0004 'MQTT' 04 02 003c
    a closed
  `,
  ),
  dialogue(
    ["MQTT-3.1.3-5"],
    "client identifiers of 1 to 23 letters and digits are accepted",
    [3, 4],
    `
    a > CONNECT 02 003c 0001 'Z'
    a < 20 02 00 00
    b > CONNECT 02 003c 0017 '{b}456789abcdefghijklmn'
    b < 20 02 00 00
    c > CONNECT 02 003c 0017 '{c}opqrstuvwxyzABCDEFGH'
    c < 20 02 00 00
    d > CONNECT 02 003c 0015 '{d}IJKLMNOPQRSTUVWXYZ'
    d < 20 02 00 00
  `,
  ),
  dialogue(
    [],
    "client identifiers longer than 23 bytes and with other characters are accepted, in MQTT 3.1 too",
    [3, 4],
    `
    a > CONNECT 02 003c 001d '{a}/-_.: abcdefghijklmnopqrst'
    a < 20 02 00 00
    b > CONNECT 02 003c 0080 '{b}' 'x'*125
    b < 20 02 00 00
  `,
  ),
  dialogue(
    ["MQTT-3.1.3-6"],
    "an empty client identifier with clean session gets a unique one",
    [4],
    `
    a > CONNECT 02 003c 0000
    a < 20 02 00 00
    b > CONNECT 02 003c 0000
    b < 20 02 00 00
    a quiet
    b quiet
    a > 82 0a 0001 0005 '{t}/a' 01
    a < 90 03 0001 01
    b > 32 0b 0005 '{t}/a' 0001 'hi'
    b < 40 02 0001
    a < 32 0b 0005 '{t}/a' $p 'hi'
    b quiet
  `,
  ),
  dialogue(
    ["MQTT-3.1.3-8", "MQTT-3.1.3-9", "MQTT-3.2.2-4", "MQTT-3.2.2-5"],
    "an empty client identifier without clean session is refused with CONNACK 2 and the connection is closed",
    [4],
    `
    a > CONNECT 00 003c 0000
    a < 20 02 00 02
    a closed
  `,
  ),
  dialogue(
    [],
    "an empty client identifier is refused with CONNACK 2 in MQTT 3.1, with and without clean session",
    [3],
    `
    a > CONNECT 02 003c 0000
    a < 20 02 00 02
    a closed
    b > CONNECT 00 003c 0000
    b < 20 02 00 02
    b closed
  `,
  ),
  dialogue(
    ["MQTT-3.1.4-2"],
    "a CONNECT with the client identifier of a live connection closes that one",
    [3, 4],
    `
    a connects 02
    a2 connects 02
    a closed
    a2 quiet
  `,
  ),
  dialogue(
    ["MQTT-3.1.4-2"],
    "a takeover of a stored session keeps its subscriptions and closes the first connection",
    [3, 4],
    `
    a connects 00
    a > 82 0a 0001 0005 '{t}/a' 01
    a < 90 03 0001 01
    a2 resumes 00
    a closed
    b connects 02
    b > 32 0b 0005 '{t}/a' 0001 'hi'
    b < 40 02 0001
    a2 < 32 0b 0005 '{t}/a' $p 'hi'
    a2 > 40 02 $p
    a2 quiet
  `,
  ),
  dialogue(
    ["MQTT-3.1.4-2"],
    "a CONNECT that is refused does not close the live connection of that client identifier",
    [4],
    `
    a connects 02
    a2 > 10 0f 0004 'MQTT' 02 02 003c 0003 '{a}'
    a2 < 20 02 00 01
    a2 closed
    a quiet
  `,
  ),
];
