// Sessions: Clean Start, Session Expiry Interval, takeover, and a session that changes its version (§3.1.2.4, §3.1.2.11.2, §4.1).
// Property 11 is the Session Expiry Interval.

import { dialogue } from "../dialogue.ts";

export const session = [
  dialogue(
    ["MQTT-3.1.2-5", "MQTT-3.1.2-6", "MQTT-3.1.2-23", "MQTT-3.2.2-3", "MQTT-4.1.0-1"],
    "Clean Start 0 starts a session where there is none, resumes the one that is there and says so",
    [5],
    `
    a connects 00 11 00000064
    a > 82 0b 0001 00 0005 '{t}/a' 01
    a < 90 04 0001 00 01
    a disconnects
    a resumes 00 11 00000064
    a drop
    a resumes 00 11 00000064
    b connects 02
    b > 32 0c 0005 '{t}/a' 0001 00 'hi'
    b < 40 02 0001
    a < 32 0c 0005 '{t}/a' $p 00 'hi'
    a > 40 02 $p
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-6", "MQTT-4.1.0-2", "MQTT-3.2.2-3"],
    "a session without a Session Expiry Interval, or with 0, ends with its connection",
    [5],
    `
    a connects 00
    a > 82 0b 0001 00 0005 '{t}/a' 01
    a < 90 04 0001 00 01
    a disconnects
    b connects 02
    b > 32 0c 0005 '{t}/a' 0001 00 'm1'
    b < 40 03 0001 10
    a connects 00 11 00000000
    b > 32 0c 0005 '{t}/a' 0002 00 'm2'
    b < 40 03 0002 10
    a > 82 0b 0001 00 0005 '{t}/a' 01
    a < 90 04 0001 00 01
    a drop
    a connects 00
    b > 32 0c 0005 '{t}/a' 0003 00 'm3'
    b < 40 03 0003 10
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-5", "MQTT-3.1.2-23", "MQTT-4.5.0-1"],
    "QoS 1 and 2 messages for a stored session whose client is away are delivered at its return, in their order, each once",
    [5],
    `
    a connects 00 11 00000064
    a > 82 0b 0001 00 0005 '{t}/a' 02
    a < 90 04 0001 00 02
    a disconnects
    b connects 02
    b > 32 0c 0005 '{t}/a' 0001 00 'm1'
    b < 40 02 0001
    b > 34 0c 0005 '{t}/a' 0002 00 'm2'
    b < 50 02 0002
    b > 62 02 0002
    b < 70 02 0002
    b > 32 0c 0005 '{t}/a' 0003 00 'm3'
    b < 40 02 0003
    a resumes 00 11 00000064
    a < 32 0c 0005 '{t}/a' $p 00 'm1' 34 0c 0005 '{t}/a' $q 00 'm2' 32 0c 0005 '{t}/a' $r 00 'm3'
    differ p q r
    a > 40 02 $p
    a > 50 02 $q
    a < 62 02 $q
    a > 70 02 $q
    a > 40 02 $r
    a quiet
    a drop
    a resumes 00
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-23", "MQTT-4.1.0-1"],
    "what is unfinished in both directions of a stored session goes on at the client's return",
    [5],
    `
    a connects 00 11 00000064
    a > 82 0b 0001 00 0005 '{t}/a' 02
    a < 90 04 0001 00 02
    b connects 02
    b > 32 0c 0005 '{t}/a' 0001 00 'm1'
    b < 40 02 0001
    b > 34 0c 0005 '{t}/a' 0002 00 'm2'
    b < 50 02 0002
    b > 62 02 0002
    b < 70 02 0002
    a < 32 0c 0005 '{t}/a' $p 00 'm1' 34 0c 0005 '{t}/a' $q 00 'm2'
    a > 50 02 $q
    a < 62 02 $q
    a > 34 0c 0005 '{u}/a' 0007 00 'up'
    a <~ 50 0007 (0x10, or 0 where the owner of the topic was not waited for)
    a drop
    a resumes 00 11 00000064
    a < 3a 0c 0005 '{t}/a' $p 00 'm1' 62 02 $q
    a > 40 02 $p 70 02 $q
    a > 3c 0c 0005 '{u}/a' 0007 00 'up'
    a <~ 50 0007
    a > 62 02 0007
    a < 70 02 0007
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-4", "MQTT-3.1.4-4", "MQTT-3.2.2-2"],
    "Clean Start 1 discards the stored session, its subscriptions and messages, and starts one that is kept in its turn",
    [5],
    `
    a connects 00 11 00000064
    a > 82 0b 0001 00 0005 '{t}/a' 01
    a < 90 04 0001 00 01
    a disconnects
    b connects 02
    b > 32 0c 0005 '{t}/a' 0001 00 'm1'
    b < 40 02 0001
    a connects 02 11 00000064
    a quiet
    b > 32 0c 0005 '{t}/a' 0002 00 'm2'
    b < 40 03 0002 10
    a > 82 0b 0002 00 0005 '{u}/a' 01
    a < 90 04 0002 00 01
    a disconnects
    b > 32 0c 0005 '{u}/a' 0003 00 'm3'
    b < 40 02 0003
    a resumes 00
    a < 32 0c 0005 '{u}/a' $p 00 'm3'
    a > 40 02 $p
  `,
  ),
  dialogue(
    ["MQTT-3.1.4-3", "MQTT-3.14.4-1", "MQTT-3.14.4-2"],
    "a CONNECT with the client identifier of a live connection ends that one with 0x8E and goes on with its session",
    [5],
    `
    a connects 00 11 00000064
    a > 82 0b 0001 00 0005 '{t}/a' 01
    a < 90 04 0001 00 01
    a2 resumes 00 11 00000064
    a told 8e
    b connects 02
    b > 32 0c 0005 '{t}/a' 0001 00 'hi'
    b < 40 02 0001
    a2 < 32 0c 0005 '{t}/a' $p 00 'hi'
    a2 > 40 02 $p
    a connects 02
    a2 told 8e
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.1.4-3", "MQTT-3.1.2-4", "MQTT-4.1.0-2"],
    "a takeover ends the session where the first connection had no session expiry or the second one starts clean",
    [5],
    `
    a connects 00
    a > 82 0b 0001 00 0005 '{t}/a' 01
    a < 90 04 0001 00 01
    a2 connects 00 11 00000064
    a told 8e
    b connects 02
    b > 32 0c 0005 '{t}/a' 0001 00 'm1'
    b < 40 03 0001 10
    a2 > 82 0b 0001 00 0005 '{t}/a' 01
    a2 < 90 04 0001 00 01
    a3 connects 02 11 00000064
    a2 told 8e
    b > 32 0c 0005 '{t}/a' 0002 00 'm2'
    b < 40 03 0002 10
    a3 quiet
  `,
  ),
  dialogue(
    ["MQTT-3.1.4-2", "MQTT-3.1.4-3"],
    "a CONNECT that is refused neither ends the live connection of that client identifier nor its session",
    [5],
    `
    a connects 00 11 00000064
    a2 > CONNECT 02 003c 03 21 0000 0003 '{a}'
    a2 refused 82
    a2 > CONNECT 02 003c 04 15 0001 'x' 0003 '{a}'
    a2 refused 8c
    a quiet
    a disconnects
    a resumes 00
  `,
  ),
  dialogue(
    ["MQTT-3.1.3-2"],
    "sessions are told apart by every byte of the client identifier",
    [5],
    `
    a > CONNECT 00 003c 05 11 00000064 0004 'x{a}'
    a < 20 0e 00 00 0b {limits}
    b > CONNECT 00 003c 05 11 00000064 0004 'X{a}'
    b < 20 0e 00 00 0b {limits}
    c > CONNECT 00 003c 00 0005 'é{a}'
    c < 20 0e 00 00 0b {limits}
    d > CONNECT 00 003c 00 0006 65 cc 81 '{a}'
    d < 20 0e 00 00 0b {limits}
    a > 82 0b 0001 00 0005 '{t}/a' 01
    a < 90 04 0001 00 01
    a disconnects
    b disconnects
    b > CONNECT 00 003c 00 0004 'X{a}'
    b < 20 0e 01 00 0b {limits}
    c > 32 0c 0005 '{t}/a' 0001 00 'hi'
    c < 40 02 0001
    b quiet
    d quiet
    a > CONNECT 00 003c 00 0004 'x{a}'
    a < 20 0e 01 00 0b {limits}
    a < 32 0c 0005 '{t}/a' $p 00 'hi'
    a > 40 02 $p
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-23"],
    "a session lasts as the last CONNECT said: without an expiry it ends at the next close",
    [5],
    `
    a connects 00 11 00000064
    a disconnects
    a resumes 00
    a drop
    a connects 00 11 00000064
    a disconnects
    a resumes 00 11 00000000
    a disconnects
    a connects 00
  `,
  ),
  dialogue(
    [],
    "clients of MQTT 3.1, 3.1.1 and 5 reach one another: properties are dropped for the older ones",
    [5],
    `
    a connects 02
    a > 82 0b 0001 00 0005 '{t}/a' 01
    a < 90 04 0001 00 01
    b > 10 0f 0004 'MQTT' 04 02 003c 0003 '{b}'
    b < 20 02 00 00
    b > 82 0a 0001 0005 '{t}/a' 01
    b < 90 03 0001 01
    c > 10 11 0006 'MQIsdp' 03 02 003c 0003 '{c}'
    c < 20 02 00 00
    c > 82 0a 0001 0005 '{t}/a' 00
    c < 90 03 0001 00
    a > 32 17 0005 '{t}/a' 0002 0b 03 0001 'x' 26 0001 'k' 0001 'v' 'hi'
    a <* 40 02 0002 | 32 17 0005 '{t}/a' $p 0b 03 0001 'x' 26 0001 'k' 0001 'v' 'hi'
    b < 32 0b 0005 '{t}/a' $q 'hi'
    c < 30 09 0005 '{t}/a' 'hi'
    a > 40 02 $p
    b > 40 02 $q
    b > 30 09 0005 '{t}/a' 'yo'
    a < 30 0a 0005 '{t}/a' 00 'yo'
    b < 30 09 0005 '{t}/a' 'yo'
    c < 30 09 0005 '{t}/a' 'yo'
    c > 32 0b 0005 '{u}/a' 0003 'no'
    c < 40 02 0003
  `,
  ),
  dialogue(
    ["MQTT-3.1.4-3"],
    "a client that comes back with another version of MQTT goes on with its session and takes its connection over",
    [5],
    `
    a connects 00 11 00000064
    a > 82 0b 0001 00 0005 '{t}/a' 01
    a < 90 04 0001 00 01
    a2 > 10 0f 0004 'MQTT' 04 00 003c 0003 '{a}'
    a2 < 20 02 01 00
    a told 8e
    a2 > e0 00
    a2 closed
    b connects 02
    b > 32 13 0005 '{t}/a' 0001 07 26 0001 'k' 0001 'v' 'm1'
    b < 40 02 0001
    a2 > 10 0f 0004 'MQTT' 04 00 003c 0003 '{a}'
    a2 < 20 02 01 00
    a2 < 32 0b 0005 '{t}/a' $p 'm1'
    a resumes 00 11 00000064
    a2 closed
    a < 3a 13 0005 '{t}/a' $p 07 26 0001 'k' 0001 'v' 'm1'
    a > 40 02 $p
    a quiet
  `,
  ),
];
