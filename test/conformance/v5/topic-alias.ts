// Topic aliases in both directions (§3.3.2.3.4). The server gives one to a topic name of 4 bytes or more, in the order
// of first use, as far as the client's Topic Alias Maximum goes.

import { dialogue } from "../dialogue.ts";

const ALIASES = Array.from({ length: 17 }, (_, at) => at + 1); // one more than the server gives

const hex8 = (n: number): string => n.toString(16).padStart(2, "0");

export const topicAlias = [
  dialogue(
    ["MQTT-3.3.2-12"],
    "a client's topic alias stands for the topic name that it was sent with, from 1 to the server's maximum",
    [5],
    `
    a connects 02
    a > 82 0b 0001 00 0005 '{t}/#' 00
    a < 90 04 0001 00 00
    b connects 02
    b > 30 0d 0005 '{t}/a' 03 23 0001 'm1' 30 08 0000 03 23 0001 'm2'
    a < 30 0a 0005 '{t}/a' 00 'm1' 30 0a 0005 '{t}/a' 00 'm2'
    b > 30 0d 0005 '{t}/b' 03 23 0010 'm3'
    a < 30 0a 0005 '{t}/b' 00 'm3'
    b > 32 0a 0000 0001 03 23 0010 'm4'
    b < 40 02 0001
    a < 30 0a 0005 '{t}/b' 00 'm4'
    b > 34 0a 0000 0002 03 23 0001 'm5'
    b < 50 02 0002
    a < 30 0a 0005 '{t}/a' 00 'm5'
    b > 62 02 0002
    b < 70 02 0002
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.3.2-12"],
    "a topic alias that is sent with another topic name stands for that one from then on",
    [5],
    `
    a connects 02
    a > 82 0b 0001 00 0005 '{t}/#' 00
    a < 90 04 0001 00 00
    b connects 02
    b > 30 0d 0005 '{t}/a' 03 23 0003 'm1' 30 0d 0005 '{t}/b' 03 23 0003 'm2' 30 08 0000 03 23 0003 'm3'
    a < 30 0a 0005 '{t}/a' 00 'm1' 30 0a 0005 '{t}/b' 00 'm2' 30 0a 0005 '{t}/b' 00 'm3'
    b > 30 0d 0005 '{t}/a' 03 23 0004 'm4' 30 0a 0005 '{t}/c' 00 'm5' 30 08 0000 03 23 0004 'm6'
    a < 30 0a 0005 '{t}/a' 00 'm4' 30 0a 0005 '{t}/c' 00 'm5' 30 0a 0005 '{t}/a' 00 'm6'
    b > 30 08 0000 03 23 0003 'm7'
    a < 30 0a 0005 '{t}/b' 00 'm7'
  `,
  ),
  dialogue(
    ["MQTT-3.3.2-12"],
    "topic aliases of two clients are apart, and so are those of both directions",
    [5],
    `
    a connects 02 22 000a
    a > 82 0e 0001 00 0008 '{t}/long' 00
    a < 90 04 0001 00 00
    a > 82 0b 0002 00 0005 '{t}/+' 00
    a < 90 04 0002 00 00
    b connects 02
    b > 30 10 0008 '{t}/long' 03 23 0007 'm1'
    a < 30 10 0008 '{t}/long' 03 23 0001 'm1'
    c connects 02
    c > 30 0d 0005 '{t}/c' 03 23 0007 'm2'
    a < 30 0d 0005 '{t}/c' 03 23 0002 'm2'
    b > 30 08 0000 03 23 0007 'm3'
    a < 30 08 0000 03 23 0001 'm3'
    a > 30 0d 0005 '{t}/d' 03 23 0001 'm4'
    a < 30 0d 0005 '{t}/d' 03 23 0003 'm4'
    a > 30 08 0000 03 23 0001 'm5'
    a < 30 08 0000 03 23 0003 'm5'
    c > 30 08 0000 03 23 0007 'm6'
    a < 30 08 0000 03 23 0002 'm6'
  `,
  ),
  dialogue(
    ["MQTT-3.3.2-8", "MQTT-3.3.2-9"],
    "topic alias 0 and one above the server's maximum are told 0x94",
    [5],
    `
    a connects 02
    a > 82 0b 0001 00 0005 '{t}/#' 00
    a < 90 04 0001 00 00
    b connects 02
    b > 30 0d 0005 '{t}/a' 03 23 0000 'm1'
    b told 94
    b connects 02
    b > 30 0d 0005 '{t}/a' 03 23 0011 'm2'
    b told 94
    b connects 02
    b > 32 0f 0005 '{t}/a' 0001 03 23 ffff 'm3'
    b told 94
    b connects 02 22 ffff (which is for the other direction)
    b > 30 08 0000 03 23 0011 'm4'
    b told 94
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.3.2-1"],
    "a topic alias that stands for nothing, and an empty topic name without one, are told 0x82",
    [5],
    `
    b connects 02
    b > 30 0d 0005 '{t}/a' 03 23 0001 'm1' 30 08 0000 03 23 0002 'm2'
    b told 82
    b connects 02
    b > 30 05 0000 00 'm3'
    b told 82
    b connects 02
    b > 32 09 0000 0001 02 01 00 'm4'
    b told 82
  `,
  ),
  dialogue(
    ["MQTT-3.3.2-7"],
    "a client's topic aliases end with its connection, its session's next one knows none",
    [5],
    `
    a connects 02
    a > 82 0b 0001 00 0005 '{t}/#' 00
    a < 90 04 0001 00 00
    b connects 00 11 00000e10
    b > 30 0d 0005 '{t}/a' 03 23 0001 'm1'
    a < 30 0a 0005 '{t}/a' 00 'm1'
    b drop
    b resumes 00 11 00000e10
    b > 30 08 0000 03 23 0001 'm2'
    b told 82
    b resumes 00 11 00000e10
    b > 30 0d 0005 '{t}/b' 03 23 0001 'm3' 30 08 0000 03 23 0001 'm4'
    a < 30 0a 0005 '{t}/b' 00 'm3' 30 0a 0005 '{t}/b' 00 'm4'
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.3.2-12", "MQTT-4.3.3-10"],
    "the topic alias of a QoS 2 PUBLISH that comes again holds, and so does that of a refused one",
    [5],
    `
    a connects 02
    a > 82 0b 0001 00 0005 '{t}/#' 00
    a < 90 04 0001 00 00
    b connects 00 11 00000e10
    b > 34 0f 0005 '{t}/a' 0001 03 23 0001 'm1'
    b < 50 02 0001
    a < 30 0a 0005 '{t}/a' 00 'm1'
    b drop
    b resumes 00 11 00000e10
    b > 3c 0f 0005 '{t}/a' 0001 03 23 0001 'm1'
    b < 50 02 0001
    b > 30 08 0000 03 23 0001 'm2'
    a < 30 0a 0005 '{t}/a' 00 'm2'
    b > 32 19 000f '$SYS/broker/{t}' 0002 03 23 0002 'm3'
    b <~ 40 0002 87
    b > 32 0a 0000 0002 03 23 0002 'm4'
    b <~ 40 0002 87
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.3.2-10", "MQTT-3.3.2-11"],
    "a client with a topic alias maximum is sent aliases up to it, first with the topic name and then in its place",
    [5],
    `
    a connects 02 22 0002
    a > 82 0b 0001 00 0005 '{t}/#' 00
    a < 90 04 0001 00 00
    b connects 02
    b > 30 08 0003 '{t}' 00 'm0' 30 0d 0008 '{t}/long' 00 'm1' 30 0d 0008 '{t}/long' 00 'm2'
    a < 30 08 0003 '{t}' 00 'm0' 30 10 0008 '{t}/long' 03 23 0001 'm1' 30 08 0000 03 23 0001 'm2'
    b > 30 0d 0008 '{t}/more' 00 'm3' 30 0a 0005 '{t}/a' 00 'm4' 30 0d 0008 '{t}/most' 00 'm5'
    a < 30 10 0008 '{t}/more' 03 23 0002 'm3' 30 0a 0005 '{t}/a' 00 'm4' 30 0d 0008 '{t}/most' 00 'm5'
    b > 30 0d 0008 '{t}/most' 00 'm6' 30 0d 0008 '{t}/more' 00 'm7' 30 0d 0008 '{t}/long' 00 'm8'
    a < 30 0d 0008 '{t}/most' 00 'm6' 30 08 0000 03 23 0002 'm7' 30 08 0000 03 23 0001 'm8'
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.3.2-11"],
    "a client without a topic alias maximum, or with 0, is sent no alias",
    [5],
    `
    a connects 02
    a > 82 0e 0001 00 0008 '{t}/long' 00
    a < 90 04 0001 00 00
    c connects 02 22 0000
    c > 82 0e 0001 00 0008 '{t}/long' 00
    c < 90 04 0001 00 00
    d connects 02 22 0001
    d > 82 0e 0001 00 0008 '{t}/long' 00
    d < 90 04 0001 00 00
    b connects 02
    b > 30 0d 0008 '{t}/long' 00 'm1' 30 0d 0008 '{t}/long' 00 'm2'
    a < 30 0d 0008 '{t}/long' 00 'm1' 30 0d 0008 '{t}/long' 00 'm2'
    c < 30 0d 0008 '{t}/long' 00 'm1' 30 0d 0008 '{t}/long' 00 'm2'
    d < 30 10 0008 '{t}/long' 03 23 0001 'm1' 30 08 0000 03 23 0001 'm2'
  `,
  ),
  dialogue(
    ["MQTT-3.3.2-8", "MQTT-3.3.2-10"],
    "a client with the largest topic alias maximum is sent aliases as far as the server gives them",
    [5],
    `
    a connects 02 22 ffff
    a > 82 0b 0001 00 0005 '{t}/#' 00
    a < 90 04 0001 00 00
    b connects 02
    b > ${ALIASES.map((n) => `30 0d 0008 '{t}/al${hex8(n)}' 00 'hi'`).join(" ")}
    a < ${ALIASES.slice(0, 16)
      .map((n) => `30 10 0008 '{t}/al${hex8(n)}' 03 23 00${hex8(n)} 'hi'`)
      .join(" ")} 30 0d 0008 '{t}/al11' 00 'hi'
    b > 30 0d 0008 '{t}/al10' 00 'hi' 30 0d 0008 '{t}/al11' 00 'hi'
    a < 30 08 0000 03 23 0010 'hi' 30 0d 0008 '{t}/al11' 00 'hi'
  `,
  ),
  dialogue(
    ["MQTT-3.3.2-7", "MQTT-4.4.0-1"],
    "the server's topic aliases end with the connection: what is sent again has the name, and aliases of the new one",
    [5],
    `
    a connects 00 11 00000e10 22 0005
    a > 82 0b 0001 00 0005 '{t}/+' 01
    a < 90 04 0001 00 01
    b connects 02
    b > 30 0d 0008 '{t}/more' 00 'm0' 32 0f 0008 '{t}/long' 0001 00 'm1' 32 0f 0008 '{t}/long' 0002 00 'm2'
    b < 40 02 0001 40 02 0002
    a <* 30 10 0008 '{t}/more' 03 23 0001 'm0' | 32 12 0008 '{t}/long' $p 03 23 0002 'm1' | 32 0a 0000 $q 03 23 0002 'm2'
    a drop
    a resumes 00 11 00000e10 22 0005
    a < 3a 12 0008 '{t}/long' $p 03 23 0001 'm1' 3a 0a 0000 $q 03 23 0001 'm2'
    a drop
    a resumes 00 11 00000e10
    a < 3a 0f 0008 '{t}/long' $p 00 'm1' 3a 0f 0008 '{t}/long' $q 00 'm2'
    a > 40 02 $p 40 02 $q
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.3.2-10"],
    "retained messages and their topics take part in the server's topic aliases",
    [5],
    `
    b connects 02
    b > 33 0f 0008 '{t}/long' 0001 00 'r1'
    b < 40 02 0001
    a connects 02 22 0005
    a > 82 0e 0001 00 0008 '{t}/long' 01
    a <* 90 04 0001 00 01 | 33 12 0008 '{t}/long' $p 03 23 0001 'r1'
    a > 40 02 $p
    b > 30 0d 0008 '{t}/long' 00 'm2'
    a < 30 08 0000 03 23 0001 'm2'
    a > 82 0e 0002 00 0008 '{t}/long' 00
    a <* 90 04 0002 00 00 | 31 08 0000 03 23 0001 'r1'
    b > 31 0b 0008 '{t}/long' 00
    a < 30 06 0000 03 23 0001
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-24", "MQTT-3.1.2-25", "MQTT-3.3.2-10"],
    "a topic alias that does not fit the client's maximum packet size is not given, and one that is known makes room",
    [5],
    `
    a connects 02 22 0005 27 00000020 (32 bytes)
    a > 82 0b 0001 00 0005 '{t}/#' 00
    a < 90 04 0001 00 00
    b connects 02
    b > 30 1f 0008 '{t}/long' 00 'x'*20 30 0d 0008 '{t}/long' 00 'm2'
    a < 30 10 0008 '{t}/long' 03 23 0001 'm2' (the first was too large)
    b > 30 23 0008 '{t}/long' 00 'x'*24 30 24 0008 '{t}/long' 00 'y'*25
    a < 30 1e 0000 03 23 0001 'x'*24
    b > 30 1d 0008 '{t}/more' 00 'x'*18 30 0d 0008 '{t}/more' 00 'm4'
    a < 30 1d 0008 '{t}/more' 00 'x'*18 30 10 0008 '{t}/more' 03 23 0002 'm4'
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.3.2-10", "MQTT-3.3.2-12"],
    "topic aliases of both directions may stand for long topic names",
    [5],
    `
    a connects 02 22 ffff
    a > 82 0b 0001 00 0005 '{t}/#' 00
    a < 90 04 0001 00 00
    b connects 02
    b > ${ALIASES.slice(0, 16)
      .map((n) => `30 8c 10 0804 '{t}/' 'x'*2046 '${hex8(n)}' 03 23 00${hex8(n)} 'hi'`)
      .join(" ")}
    a < ${ALIASES.slice(0, 16)
      .map((n) => `30 8c 10 0804 '{t}/' 'x'*2046 '${hex8(n)}' 03 23 00${hex8(n)} 'hi'`)
      .join(" ")}
    b > ${ALIASES.slice(0, 16)
      .map((n) => `30 08 0000 03 23 00${hex8(n)} 'ho'`)
      .join(" ")}
    a < ${ALIASES.slice(0, 16)
      .map((n) => `30 08 0000 03 23 00${hex8(n)} 'ho'`)
      .join(" ")}
  `,
  ),
];
