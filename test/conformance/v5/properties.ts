// The properties of PUBLISH that belong to the message, and subscription identifiers (§3.3.2.3). The server sends them
// in the order message expiry, payload format, content type, response topic, correlation data, user properties,
// subscription identifiers, topic alias.

import { dialogue } from "../dialogue.ts";

export const properties = [
  dialogue(
    ["MQTT-3.3.2-4", "MQTT-3.3.2-15", "MQTT-3.3.2-16", "MQTT-3.3.2-20"],
    "payload format, content type, response topic and correlation data reach every subscriber unaltered",
    [5],
    `
    a connects 02
    a > 82 0b 0001 00 0005 '{t}/a' 00
    a < 90 04 0001 00 00
    c connects 02
    c > 82 0b 0001 00 0005 '{t}/+' 01
    c < 90 04 0001 00 01
    b connects 02
    b > 30 0c 0005 '{t}/a' 02 01 00 'm1'
    a < 30 0c 0005 '{t}/a' 02 01 00 'm1'
    c < 30 0c 0005 '{t}/a' 02 01 00 'm1'
    b > 30 0c 0005 '{t}/a' 02 01 01 'm2'
    a < 30 0c 0005 '{t}/a' 02 01 01 'm2'
    c < 30 0c 0005 '{t}/a' 02 01 01 'm2'
    b > 30 11 0005 '{t}/a' 07 03 0004 'text' 'm3' 30 0d 0005 '{t}/a' 03 03 0000 'm4'
    a < 30 11 0005 '{t}/a' 07 03 0004 'text' 'm3' 30 0d 0005 '{t}/a' 03 03 0000 'm4'
    c < 30 11 0005 '{t}/a' 07 03 0004 'text' 'm3' 30 0d 0005 '{t}/a' 03 03 0000 'm4'
    b > 30 12 0005 '{t}/a' 09 08 0006 '{u}/ä' 'm'
    a < 30 12 0005 '{t}/a' 09 08 0006 '{u}/ä' 'm'
    c < 30 12 0005 '{t}/a' 09 08 0006 '{u}/ä' 'm'
    b > 32 12 0005 '{t}/a' 0001 06 09 0003 00 ff c0 'm6' 32 0f 0005 '{t}/a' 0002 03 09 0000 'm7'
    b < 40 02 0001 40 02 0002
    a < 30 10 0005 '{t}/a' 06 09 0003 00 ff c0 'm6' 30 0d 0005 '{t}/a' 03 09 0000 'm7'
    c < 32 12 0005 '{t}/a' $p 06 09 0003 00 ff c0 'm6' 32 0f 0005 '{t}/a' $q 03 09 0000 'm7'
  `,
  ),
  dialogue(
    ["MQTT-3.3.2-17", "MQTT-3.3.2-18"],
    "user properties keep their order, their repetitions and their empty names and values",
    [5],
    `
    a connects 02
    a > 82 0b 0001 00 0005 '{t}/a' 01
    a < 90 04 0001 00 01
    b connects 02
    b > 30 2b 0005 '{t}/a' 21 26 0001 'b' 0001 '2' 26 0001 'a' 0001 '1' 26 0001 'b' 0001 '2' 26 0000 0001 'x' 26 0001 'b' 0000 'm1'
    a < 30 2b 0005 '{t}/a' 21 26 0001 'b' 0001 '2' 26 0001 'a' 0001 '1' 26 0001 'b' 0001 '2' 26 0000 0001 'x' 26 0001 'b' 0000 'm1'
    b > 32 11 0005 '{t}/a' 0001 05 26 0000 0000 'm2'
    b < 40 02 0001
    a < 32 11 0005 '{t}/a' $p 05 26 0000 0000 'm2'
  `,
  ),
  dialogue(
    ["MQTT-3.3.2-4", "MQTT-3.3.2-15", "MQTT-3.3.2-16", "MQTT-3.3.2-17", "MQTT-3.3.2-18", "MQTT-3.3.2-20"],
    "all properties of a message are kept for a client that is away, and when the message is sent again",
    [5],
    `
    a connects 00 11 00000e10
    a > 82 0b 0001 00 0005 '{t}/a' 02
    a < 90 04 0001 00 02
    a drop
    b connects 02
    b > 32 39 0005 '{t}/a' 0001 2d 01 01 03 0004 'text' 08 0003 '{u}' 09 0002 00ff 26 0001 'k' 0001 'v' 26 0001 'k' 0001 'v' 26 0000 0000 26 0001 'a' 0000 'm1'
    b < 40 02 0001
    b > 34 39 0005 '{t}/a' 0002 2d 26 0001 'k' 0001 'v' 09 0002 00ff 26 0001 'k' 0001 'v' 03 0004 'text' 26 0000 0000 01 01 26 0001 'a' 0000 08 0003 '{u}' 'm2'
    b < 50 02 0002
    b > 62 02 0002
    b < 70 02 0002
    a resumes 00 11 00000e10
    a < 32 39 0005 '{t}/a' $p 2d 01 01 03 0004 'text' 08 0003 '{u}' 09 0002 00ff 26 0001 'k' 0001 'v' 26 0001 'k' 0001 'v' 26 0000 0000 26 0001 'a' 0000 'm1'
    a < 34 39 0005 '{t}/a' $q 2d 01 01 03 0004 'text' 08 0003 '{u}' 09 0002 00ff 26 0001 'k' 0001 'v' 26 0001 'k' 0001 'v' 26 0000 0000 26 0001 'a' 0000 'm2'
    a drop
    a resumes 00 11 00000e10
    a < 3a 39 0005 '{t}/a' $p 2d 01 01 03 0004 'text' 08 0003 '{u}' 09 0002 00ff 26 0001 'k' 0001 'v' 26 0001 'k' 0001 'v' 26 0000 0000 26 0001 'a' 0000 'm1'
    a < 3c 39 0005 '{t}/a' $q 2d 01 01 03 0004 'text' 08 0003 '{u}' 09 0002 00ff 26 0001 'k' 0001 'v' 26 0001 'k' 0001 'v' 26 0000 0000 26 0001 'a' 0000 'm2'
    a > 40 02 $p 50 02 $q
    a < 62 02 $q
    a > 70 02 $q
    a quiet
  `,
  ),
  dialogue(
    [],
    "a subscriber of MQTT 3.1.1 gets the message without properties, and its own come with none",
    [5],
    `
    a connects 02
    a > 82 0b 0001 00 0005 '{t}/a' 01
    a < 90 04 0001 00 01
    c > 10 0f 0004 'MQTT' 04 02 003c 0003 '{c}'
    c < 20 02 00 00
    c > 82 0a 0001 0005 '{t}/a' 01
    c < 90 03 0001 01
    b connects 02
    b > 32 24 0005 '{t}/a' 0001 18 01 01 02 00000064 03 0004 'text' 23 0001 26 0001 'k' 0001 'v' 'm1' 30 08 0000 03 23 0001 'm2'
    b < 40 02 0001
    a < 32 21 0005 '{t}/a' $p 15 02 000000 64/63/62 01 01 03 0004 'text' 26 0001 'k' 0001 'v' 'm1' 30 0a 0005 '{t}/a' 00 'm2'
    c < 32 0b 0005 '{t}/a' $q 'm1' 30 09 0005 '{t}/a' 'm2'
    c > 40 02 $q
    c > 62 02 7777
    c < 70 02 7777
    c > 30 0b 0005 '{t}/a' 02 01 'm3' (a payload of four bytes)
    c < 30 0b 0005 '{t}/a' 02 01 'm3'
    a < 30 0c 0005 '{t}/a' 00 02 01 'm3'
  `,
  ),
  dialogue(
    ["MQTT-3.3.2-4"],
    "a payload that is called UTF-8 and is not is delivered as it came",
    [5],
    `
    a connects 02
    a > 82 0b 0001 00 0005 '{t}/a' 00
    a < 90 04 0001 00 00
    b connects 02
    b > 30 0d 0005 '{t}/a' 02 01 01 ff c0 80
    a < 30 0d 0005 '{t}/a' 02 01 01 ff c0 80
    b > 30 0c 0005 '{t}/a' 02 01 00 'hi'
    a < 30 0c 0005 '{t}/a' 02 01 00 'hi'
  `,
  ),
  dialogue(
    ["MQTT-3.3.4-3", "MQTT-3.3.4-4"],
    "one copy for overlapping subscriptions has the identifiers of all that have one, and none where none has",
    [5],
    `
    a connects 02
    a > 82 0d 0001 02 0b 02 0005 '{t}/a' 01
    a < 90 04 0001 00 01
    a > 82 10 0002 05 0b ff ff ff 7f 0005 '{t}/+' 00
    a < 90 04 0002 00 00
    a > 82 0b 0003 00 0005 '{t}/#' 02
    a < 90 04 0003 00 02
    b connects 02
    b > 32 0c 0005 '{t}/a' 0001 00 'm1'
    b < 40 02 0001
    a < 32 13 0005 '{t}/a' $p 07 0b 02 0b ff ff ff 7f 'm1'
    a > 40 02 $p
    b > 30 0a 0005 '{t}/b' 00 'm2'
    a < 30 0f 0005 '{t}/b' 05 0b ff ff ff 7f 'm2'
    b > 30 0b 0005 '{t}/b' 00 'top' 30 0c 0007 '{t}/b/c' 00 'm3'
    a < 30 10 0005 '{t}/b' 05 0b ff ff ff 7f 'top' 30 0c 0007 '{t}/b/c' 00 'm3'
    a > 82 0b 0004 00 0005 '{t}/+' 00
    a < 90 04 0004 00 00
    b > 30 0a 0005 '{t}/b' 00 'm4' 30 0a 0005 '{t}/a' 00 'm5'
    a < 30 0a 0005 '{t}/b' 00 'm4' 30 0c 0005 '{t}/a' 02 0b 02 'm5'
    a > a2 0a 0005 00 0005 '{t}/a'
    a < b0 04 0005 00 00
    b > 30 0a 0005 '{t}/a' 00 'm6'
    a < 30 0a 0005 '{t}/a' 00 'm6'
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.3.4-3", "MQTT-3.3.4-4"],
    "subscription identifiers are kept in the session, with messages that wait and for those that come",
    [5],
    `
    a connects 00 11 00000e10
    a > 82 0d 0001 02 0b 05 0005 '{t}/a' 01
    a < 90 04 0001 00 01
    a > 82 0d 0002 02 0b 05 0005 '{t}/+' 01 (two subscriptions may have the same one)
    a < 90 04 0002 00 01
    a > 82 14 0003 02 0b 06 0005 '{t}/b' 01 0004 '{t}/' 00
    a < 90 05 0003 00 01 00
    a drop
    b connects 02
    b > 32 0c 0005 '{t}/b' 0001 00 'm1' 32 0c 0005 '{t}/c' 0002 00 'm2'
    b < 40 02 0001 40 02 0002
    a resumes 00 11 00000e10
    a < 32 10 0005 '{t}/b' $p 04 0b 05 0b 06 'm1' 32 0e 0005 '{t}/c' $q 02 0b 05 'm2'
    b > 30 09 0004 '{t}/' 00 'm3'
    a < 30 0d 0004 '{t}/' 04 0b 05 0b 06 'm3'
    a > 40 02 $p 40 02 $q
    a quiet
  `,
  ),
];
