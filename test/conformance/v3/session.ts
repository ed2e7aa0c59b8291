// Clean and stored sessions, and what of them lasts (§3.1.2.4, §3.2.2.2, §4.1).

import { dialogue } from "../dialogue.ts";

export const session = [
  dialogue(
    ["MQTT-3.1.2-4", "MQTT-3.2.2-2", "MQTT-3.2.2-3", "MQTT-4.1.0-1"],
    "CleanSession 0 starts a session, and the next CleanSession 0 resumes it and says so",
    [3, 4],
    `
    a connects 00
    a disconnects
    a resumes 00
    a drop
    a resumes 00
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-4", "MQTT-4.1.0-1"],
    "a stored session keeps its subscriptions while nobody is connected",
    [3, 4],
    `
    a connects 00
    a > 82 0a 0001 0005 '{t}/a' 01
    a < 90 03 0001 01
    a disconnects
    a resumes 00
    b connects 02
    b > 32 0b 0005 '{t}/a' 0001 'hi'
    b < 40 02 0001
    a < 32 0b 0005 '{t}/a' $p 'hi'
    a > 40 02 $p
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-5", "MQTT-4.5.0-1"],
    "QoS 1 and 2 messages for a stored session whose client is away are delivered at its return, in their order, each once",
    [3, 4],
    `
    a connects 00
    a > 82 0a 0001 0005 '{t}/a' 02
    a < 90 03 0001 02
    a disconnects
    b connects 02
    b > 32 0b 0005 '{t}/a' 0001 'm1'
    b < 40 02 0001
    b > 34 0b 0005 '{t}/a' 0002 'm2'
    b < 50 02 0002
    b > 62 02 0002
    b < 70 02 0002
    b > 32 0b 0005 '{t}/a' 0003 'm3'
    b < 40 02 0003
    a resumes 00
    a < 32 0b 0005 '{t}/a' $p 'm1' 34 0b 0005 '{t}/a' $q 'm2' 32 0b 0005 '{t}/a' $r 'm3'
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
    ["MQTT-3.1.2-6", "MQTT-3.1.4-3", "MQTT-3.2.2-1"],
    "CleanSession 1 discards the stored session, its subscriptions and its messages",
    [3, 4],
    `
    a connects 00
    a > 82 0a 0001 0005 '{t}/a' 01
    a < 90 03 0001 01
    a disconnects
    b connects 02
    b > 32 0b 0005 '{t}/a' 0001 'm1'
    b < 40 02 0001
    a connects 02
    a quiet
    b > 32 0b 0005 '{t}/a' 0002 'm2'
    b < 40 02 0002
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-6"],
    "a session of CleanSession 1 ends with its connection and is not resumed",
    [3, 4],
    `
    a connects 02
    a > 82 0a 0001 0005 '{t}/a' 01
    a < 90 03 0001 01
    a disconnects
    b connects 02
    b > 32 0b 0005 '{t}/a' 0001 'm1'
    b < 40 02 0001
    a connects 00
    b > 32 0b 0005 '{t}/a' 0002 'm2'
    b < 40 02 0002
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-6"],
    "a session of CleanSession 1 between two stored ones leaves nothing of the first",
    [3, 4],
    `
    a connects 00
    a > 82 0a 0001 0005 '{t}/a' 01
    a < 90 03 0001 01
    a disconnects
    a connects 02
    a disconnects
    a connects 00
    b connects 02
    b > 32 0b 0005 '{t}/a' 0001 'm1'
    b < 40 02 0001
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-7"],
    "a retained message stays when the session that published it ends",
    [3, 4],
    `
    b connects 02
    b > 33 0b 0005 '{t}/a' 0001 'hi'
    b < 40 02 0001
    b disconnects
    a connects 02
    a > 82 0a 0001 0005 '{t}/a' 00
    a <* 90 03 0001 00 | 31 09 0005 '{t}/a' 'hi'
    a > 33 09 0005 '{t}/a' 0001
    a <* 40 02 0001 | 30 07 0005 '{t}/a'
  `,
  ),
  dialogue(
    ["MQTT-4.1.0-2"],
    "a session lasts as long as its connection",
    [3, 4],
    `
    a connects 02
    a > 82 0a 0001 0005 '{t}/a' 01
    a < 90 03 0001 01
    b connects 02
    b > 32 0b 0005 '{t}/a' 0001 'm1'
    b < 40 02 0001
    a < 32 0b 0005 '{t}/a' $p 'm1'
    b > 32 0b 0005 '{t}/a' 0002 'm2'
    b < 40 02 0002
    a < 32 0b 0005 '{t}/a' $q 'm2'
    differ p q
    a > 40 02 $p 40 02 $q
    b > 32 0b 0005 '{t}/a' 0003 'm3'
    b < 40 02 0003
    a < 32 0b 0005 '{t}/a' $r 'm3'
    a > 40 02 $r
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.1.3-2"],
    "sessions are told apart by the client identifier",
    [3, 4],
    `
    a connects 00
    a > 82 0a 0001 0005 '{t}/a' 01
    a < 90 03 0001 01
    a disconnects
    b connects 00
    b disconnects
    a resumes 00
    b resumes 00
    c connects 02
    c > 32 0b 0005 '{t}/a' 0001 'hi'
    c < 40 02 0001
    a < 32 0b 0005 '{t}/a' $p 'hi'
    a > 40 02 $p
    b quiet
  `,
  ),
  dialogue(
    ["MQTT-3.1.3-2"],
    "client identifiers differ in the case of their letters and in their accents",
    [3, 4],
    `
    a > CONNECT 00 003c 0004 'x{a}'
    a < 20 02 00 00
    b > CONNECT 00 003c 0004 'X{a}'
    b < 20 02 00 00
    a quiet
    c > CONNECT 00 003c 0005 'é{a}'
    c < 20 02 00 00
    d > CONNECT 00 003c 0006 65 cc 81 '{a}'
    d < 20 02 00 00
    c quiet
  `,
  ),
];
