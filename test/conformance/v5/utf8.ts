// UTF-8 encoded strings, string pairs and variable byte integers (§1.5): ill-formed bytes, U+0000, the byte order mark and
// integers of more bytes than they need, in every field that has one.

import { dialogue } from "../dialogue.ts";

export const utf8 = [
  dialogue(
    ["MQTT-1.5.4-1", "MQTT-3.3.2-1"],
    "a PUBLISH whose topic name is ill-formed UTF-8 is a malformed packet",
    [5],
    `
    a connects 02
    a > 30 0a 0005 '{t}/' ff 00 'hi'
    a told 81
    a connects 02
    a > 30 0b 0006 '{t}/' c0 af 00 'hi' (overlong)
    a told 81
    a connects 02
    a > 30 0c 0007 '{t}/' ed a0 80 00 'hi' (U+D800)
    a told 81
    a connects 02
    a > 32 0e 0007 '{t}/' ed bf bf 0001 00 'hi' (U+DFFF)
    a told 81
    a connects 02
    a > 30 0d 0008 '{t}/' f4 90 80 80 00 'hi' (above U+10FFFF)
    a told 81
    a connects 02
    a > 30 0b 0006 '{t}/' e2 82 00 'hi' (cut short)
    a told 81
    a connects 02
    a > 30 0f 000a '{t}/' ed a0 bd ed b8 80 00 'hi' (a surrogate pair)
    a told 81
  `,
  ),
  dialogue(
    ["MQTT-1.5.4-1", "MQTT-3.8.3-1", "MQTT-3.10.3-1"],
    "a SUBSCRIBE or UNSUBSCRIBE whose filter is ill-formed UTF-8 is a malformed packet",
    [5],
    `
    a connects 02
    a > 82 0b 0001 00 0005 '{t}/' ff 00
    a told 81
    a connects 02
    a > 82 0d 0001 00 0007 '{t}/' ed a0 80 00
    a told 81
    a connects 02
    a > a2 0a 0001 00 0005 '{t}/' ff
    a told 81
    a connects 02
    a > a2 0c 0001 00 0007 '{t}/' ed a0 80
    a told 81
  `,
  ),
  dialogue(
    ["MQTT-1.5.4-1", "MQTT-3.1.3-4", "MQTT-3.1.3-11", "MQTT-3.1.3-12"],
    "a CONNECT whose client identifier, will topic or user name is ill-formed UTF-8 is refused as a malformed packet",
    [5],
    `
    a > CONNECT 02 003c 00 0004 '{a}' ff
    a refused 81
    a > CONNECT 02 003c 00 0006 '{a}' ed a0 80
    a refused 81
    b > CONNECT 06 003c 00 0003 '{b}' 00 0004 '{t}' ff 0004 'gone'
    b refused 81
    c > CONNECT 82 003c 00 0003 '{c}' 0002 'u' ff
    c refused 81
    c > CONNECT c2 003c 00 0003 '{c}' 0004 'u' ed a0 80 0001 'p'
    c refused 81
  `,
  ),
  dialogue(
    ["MQTT-1.5.4-1", "MQTT-1.5.4-2", "MQTT-3.3.2-13", "MQTT-3.3.2-19"],
    "a PUBLISH with a content type or response topic that is no UTF-8 string is a malformed packet, correlation data may be any bytes",
    [5],
    `
    a connects 02
    a > 30 0d 0005 '{t}/a' 04 03 0001 ff 'x'
    a told 81
    a connects 02
    a > 30 0d 0005 '{t}/a' 04 08 0001 ff 'x'
    a told 81
    a connects 02
    a > 30 0d 0005 '{t}/a' 04 08 0001 00 'x'
    a told 81
    a connects 02
    a > 82 0b 0001 00 0005 '{t}/a' 00
    a < 90 04 0001 00 00
    a > 30 0e 0005 '{t}/a' 05 09 0002 ff 00 'x'
    a < 30 0e 0005 '{t}/a' 05 09 0002 ff 00 'x'
  `,
  ),
  dialogue(
    ["MQTT-1.5.7-1"],
    "a user property whose name or value is no UTF-8 string makes the packet malformed",
    [5],
    `
    a connects 02
    a > 30 10 0005 '{t}/a' 07 26 0001 ff 0001 'v' 'x'
    a told 81
    a connects 02
    a > 30 10 0005 '{t}/a' 07 26 0001 'n' 0001 00 'x'
    a told 81
    a connects 02
    a > 30 12 0005 '{t}/a' 09 26 0001 'n' 0003 ed a0 80 'x'
    a told 81
    a connects 02
    a > 82 12 0001 07 26 0001 'n' 0001 ff 0005 '{t}/a' 00
    a told 81
    a connects 02
    a > e0 09 00 07 26 0001 00 0001 'v'
    a told 81
    b > CONNECT 02 003c 07 26 0001 'n' 0001 ff 0003 '{b}'
    b refused 81
    b > CONNECT 06 003c 00 0003 '{b}' 07 26 0001 00 0001 'v' 0003 '{t}' 0000
    b refused 81
  `,
  ),
  dialogue(
    ["MQTT-1.5.4-2", "MQTT-4.7.3-2"],
    "a topic name or filter with U+0000 is a malformed packet, and nothing is delivered",
    [5],
    `
    b connects 02
    b > 82 0b 0001 00 0005 '{t}/#' 01
    b < 90 04 0001 00 01
    a connects 02
    a > 32 0c 0005 '{t}/' 00 0001 00 'hi'
    a told 81
    a connects 02
    a > 30 0b 0006 '{t}/' c0 80 00 'hi' (U+0000 in two bytes)
    a told 81
    a connects 02
    a > 82 0b 0001 00 0005 '{t}/' 00 00
    a told 81
    a connects 02
    a > a2 0a 0001 00 0005 '{t}/' 00
    a told 81
    b quiet
  `,
  ),
  dialogue(
    ["MQTT-1.5.4-2"],
    "a CONNECT with U+0000 in client identifier, will topic or user name is refused as a malformed packet",
    [5],
    `
    a > CONNECT 02 003c 00 0004 '{a}' 00
    a refused 81
    b > CONNECT 06 003c 00 0003 '{b}' 00 0004 '{t}' 00 0004 'gone'
    b refused 81
    c > CONNECT 82 003c 00 0003 '{c}' 0002 'u' 00
    c refused 81
  `,
  ),
  dialogue(
    ["MQTT-1.5.4-3"],
    "the bytes EF BB BF are U+FEFF and are kept wherever they stand",
    [5],
    `
    a connects 02
    a > 82 09 0001 00 0003 '{t}' 01
    a < 90 04 0001 00 01
    c connects 02
    c > 82 0c 0001 00 0006 ef bb bf '{t}' 01
    c < 90 04 0001 00 01
    b connects 02
    b > 32 19 0006 ef bb bf '{t}' 0001 0c 26 0004 ef bb bf 'n' 0003 ef bb bf 'm1' 32 0a 0003 '{t}' 0002 00 'm2'
    b < 40 02 0001 40 02 0002
    a < 32 0a 0003 '{t}' $p 00 'm2'
    c < 32 19 0006 ef bb bf '{t}' $q 0c 26 0004 ef bb bf 'n' 0003 ef bb bf 'm1'
    a quiet
    c quiet
    d > CONNECT 02 003c 00 0006 ef bb bf '{a}' (another client identifier)
    d < 20 0e 00 00 0b {limits}
    a quiet
  `,
  ),
  dialogue(
    [],
    "characters of one to four bytes pass unchanged",
    [5],
    `
    a connects 02
    a > 82 13 0001 00 000d '{t}/é€😀' 01
    a < 90 04 0001 00 01
    b connects 02
    b > 32 20 000d '{t}/é€😀' 0001 0c 03 0009 'é€😀' 'hi'
    b < 40 02 0001
    a < 32 20 000d '{t}/' c3 a9 e2 82 ac f0 9f 98 80 $p 0c 03 0009 c3 a9 e2 82 ac f0 9f 98 80 'hi'
  `,
  ),
  dialogue(
    ["MQTT-1.5.5-1"],
    "a variable byte integer of more bytes than it needs, or of more than four, is a malformed packet",
    [5],
    `
    a connects 02
    a > 30 8a 00 0005 '{t}/a' 00 'hi' (remaining length)
    a told 81
    a connects 02
    a > c0 80 00
    a told 81
    a connects 02
    a > 30 0b 0005 '{t}/a' 80 00 'hi' (property length)
    a told 81
    a connects 02
    a > 82 0e 0001 03 0b 81 00 0005 '{t}/a' 00 (subscription identifier)
    a told 81
    a connects 02
    a > 82 11 0001 06 0b 80 80 80 80 01 0005 '{t}/a' 00
    a told 81
    a connects 02
    a > 30 ff ff ff ff 01
    a told 81
    b > 10 90 00 0004 'MQTT' 05 02 003c 00 0003 '{b}'
    b refused 81
  `,
  ),
];
