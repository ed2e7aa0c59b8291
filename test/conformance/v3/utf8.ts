// UTF-8 encoded strings (§1.5.3): ill-formed bytes, U+0000 and the byte order mark, in every field that is text.

import { dialogue } from "../dialogue.ts";

export const utf8 = [
  dialogue(
    ["MQTT-1.5.3-1", "MQTT-3.3.2-1"],
    "a PUBLISH whose topic name is ill-formed UTF-8 closes the connection",
    [3, 4],
    `
    a connects 02
    a > 30 09 0005 '{t}/' ff 'hi'
    a closed
    a connects 02 
    a > 30 0a 0006 '{t}/' c0 af 'hi' (overlong)
    a closed
    a connects 02
    a > 30 0b 0007 '{t}/' ed a0 80 'hi' (U+D800)
    a closed
    a connects 02
    a > 32 0d 0007 '{t}/' ed bf bf 0001 'hi' (U+DFFF)
    a closed
    a connects 02
    a > 30 0c 0008 '{t}/' f4 90 80 80 'hi' (above U+10FFFF)
    a closed
    a connects 02
    a > 30 0a 0006 '{t}/' e2 82 'hi' (cut short)
    a closed
    a connects 02
    a > 30 0e 000a '{t}/' ed a0 bd ed b8 80 'hi' (a surrogate pair)
    a closed
  `,
  ),
  dialogue(
    ["MQTT-1.5.3-1", "MQTT-3.8.3-1"],
    "a SUBSCRIBE whose filter is ill-formed UTF-8 closes the connection",
    [3, 4],
    `
    a connects 02
    a > 82 0a 0001 0005 '{t}/' ff 00
    a closed
    a connects 02
    a > 82 0c 0001 0007 '{t}/' ed a0 80 00
    a closed
  `,
  ),
  dialogue(
    ["MQTT-1.5.3-1", "MQTT-3.10.3-1"],
    "an UNSUBSCRIBE whose filter is ill-formed UTF-8 closes the connection",
    [3, 4],
    `
    a connects 02
    a > a2 09 0001 0005 '{t}/' ff
    a closed
    a connects 02
    a > a2 0b 0001 0007 '{t}/' ed a0 80
    a closed
  `,
  ),
  dialogue(
    ["MQTT-1.5.3-1", "MQTT-3.1.3-4"],
    "a CONNECT whose client identifier is ill-formed UTF-8 is not accepted",
    [3, 4],
    `
    a > CONNECT 02 003c 0004 '{a}' ff
    a <? 20 02 00 02
    a closed
    b > CONNECT 02 003c 0006 '{b}' ed a0 80
    b <? 20 02 00 02
    b closed
  `,
  ),
  dialogue(
    ["MQTT-1.5.3-1", "MQTT-3.1.3-10"],
    "a CONNECT whose will topic is ill-formed UTF-8 is closed",
    [3, 4],
    `
    a > CONNECT 06 003c 0003 '{a}' 0004 '{t}' ff 0004 'gone'
    a closed
    b > CONNECT 06 003c 0003 '{b}' 0006 '{t}' ed a0 80 0004 'gone'
    b closed
  `,
  ),
  dialogue(
    ["MQTT-1.5.3-1", "MQTT-3.1.3-11"],
    "a CONNECT whose user name is ill-formed UTF-8 is closed",
    [3, 4],
    `
    a > CONNECT 82 003c 0003 '{a}' 0002 'u' ff
    a closed
    b > CONNECT c2 003c 0003 '{b}' 0004 'u' ed a0 80 0001 'p'
    b closed
  `,
  ),
  dialogue(
    ["MQTT-1.5.3-2", "MQTT-4.7.3-2"],
    "a topic name with U+0000 closes the connection and is not delivered",
    [3, 4],
    `
    b connects 02
    b > 82 0a 0001 0005 '{t}/#' 01
    b < 90 03 0001 01
    a connects 02
    a > 32 0b 0005 '{t}/' 00 0001 'hi'
    a closed
    a connects 02
    a > 30 0a 0006 '{t}/' c0 80 'hi' (U+0000 in two bytes)
    a closed
    b quiet
  `,
  ),
  dialogue(
    ["MQTT-1.5.3-2", "MQTT-4.7.3-2"],
    "a topic filter with U+0000 closes the connection",
    [3, 4],
    `
    a connects 02
    a > 82 0a 0001 0005 '{t}/' 00 00
    a closed
    a connects 02
    a > a2 09 0001 0005 '{t}/' 00
    a closed
  `,
  ),
  dialogue(
    ["MQTT-1.5.3-2"],
    "a CONNECT with U+0000 in client identifier, will topic or user name is not accepted",
    [3, 4],
    `
    a > CONNECT 02 003c 0004 '{a}' 00
    a <? 20 02 00 02
    a closed
    b > CONNECT 06 003c 0003 '{b}' 0004 '{t}' 00 0004 'gone'
    b closed
    c > CONNECT 82 003c 0003 '{c}' 0002 'u' 00
    c closed
  `,
  ),
  dialogue(
    ["MQTT-1.5.3-3"],
    "the bytes EF BB BF are U+FEFF and are kept wherever they stand",
    [3, 4],
    `
    a connects 02
    a > 82 08 0001 0003 '{t}' 01
    a < 90 03 0001 01
    c connects 02
    c > 82 0b 0001 0006 ef bb bf '{t}' 01
    c < 90 03 0001 01
    b connects 02
    b > 32 0c 0006 ef bb bf '{t}' 0001 'm1' 32 09 0003 '{t}' 0002 'm2'
    b < 40 02 0001 40 02 0002
    a < 32 09 0003 '{t}' $p 'm2'
    c < 32 0c 0006 ef bb bf '{t}' $q 'm1'
    a quiet
    c quiet
  `,
  ),
  dialogue(
    ["MQTT-1.5.3-3", "MQTT-3.1.3-2"],
    "a client identifier with a leading U+FEFF is another one",
    [3, 4],
    `
    a connects 02
    b > CONNECT 02 003c 0006 ef bb bf '{a}'
    b < 20 02 00 00
    a quiet
    b quiet
  `,
  ),
  dialogue(
    [],
    "characters of one to four bytes pass unchanged",
    [3, 4],
    `
    a connects 02
    a > 82 12 0001 000d '{t}/é€😀' 01
    a < 90 03 0001 01
    b connects 02
    b > 32 13 000d '{t}/é€😀' 0001 'hi'
    b < 40 02 0001
    a < 32 13 000d '{t}/' c3 a9 e2 82 ac f0 9f 98 80 $p 'hi'
  `,
  ),
];
