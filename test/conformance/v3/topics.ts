// Topic names and filters: wildcards, `$`, empty levels, no normalization (§4.7).

import { dialogue } from "../dialogue.ts";

export const topics = [
  dialogue(
    ["MQTT-4.7.1-2"],
    "# matches the level it follows and every level below",
    [3, 4],
    `
    a connects 02
    a > 82 0c 0001 0007 '{t}/p/#' 01
    a < 90 03 0001 01
    b connects 02
    b > 32 0b 0005 '{t}/p' 0001 'm1' 32 0d 0007 '{t}/p/q' 0002 'm2' 32 0f 0009 '{t}/p/q/r' 0003 'm3'
    b < 40 02 0001 40 02 0002 40 02 0003
    a < 32 0b 0005 '{t}/p' $p 'm1' 32 0d 0007 '{t}/p/q' $q 'm2' 32 0f 0009 '{t}/p/q/r' $r 'm3'
    b > 32 09 0003 '{t}' 0004 'm4' 32 0c 0006 '{t}/pp' 0005 'm5' 32 0c 0006 '{t}/p/' 0006 'm6'
    b < 40 02 0004 40 02 0005 40 02 0006
    a < 32 0c 0006 '{t}/p/' $s 'm6'
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-4.7.1-2"],
    "# alone matches every topic name that does not begin with $",
    [3, 4],
    `
    a connects 02
    a > 82 06 0001 0001 '#' 00
    a < 90 03 0001 00
    b connects 02
    b > 30 07 0003 '{t}' 'm1' 30 0d 0009 '{t}/a/b/c' 'm2' 30 08 0004 '/{t}' 'm3'
    a <* 30 07 0003 '{t}' 'm1' | 30 0d 0009 '{t}/a/b/c' 'm2' | 30 08 0004 '/{t}' 'm3'
    a > a2 05 0002 0001 '#'
    a < b0 02 0002
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-4.7.1-2"],
    "# that is not the last level, or not a level of its own, is not a filter",
    [3, 4],
    `
    a connects 02
    a > 82 0c 0001 0007 '{t}/#/a' 00
    a <? 90 03 0001 80
    b connects 02
    b > 82 0b 0001 0006 '{t}/a#' 00
    b <? 90 03 0001 80
    c connects 02
    c > 82 0a 0001 0005 '{t}/a' 00
    c < 90 03 0001 00
    c quiet
  `,
  ),
  dialogue(
    ["MQTT-4.7.1-3"],
    "+ matches exactly one level, also an empty one",
    [3, 4],
    `
    a connects 02
    a > 82 0a 0001 0005 '{t}/+' 01
    a < 90 03 0001 01
    b connects 02
    b > 32 0b 0005 '{t}/p' 0001 'm1' 32 0d 0007 '{t}/p/q' 0002 'm2' 32 09 0003 '{t}' 0003 'm3' 32 0a 0004 '{t}/' 0004 'm4'
    b < 40 02 0001 40 02 0002 40 02 0003 40 02 0004
    a < 32 0b 0005 '{t}/p' $p 'm1' 32 0a 0004 '{t}/' $q 'm4'
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-4.7.1-3"],
    "+ works at the first, a middle and the last level, and with #",
    [3, 4],
    `
    a connects 02
    a > 82 26 0001 0007 '+/{u}/x' 01 0009 '{t}/+/{u}' 01 000b '{t}/p/+/+/#' 01
    a < 90 05 0001 01 01 01
    b connects 02
    b > 32 0f 0009 '{t}/{u}/x' 0001 'm1'
    b < 40 02 0001
    a < 32 0f 0009 '{t}/{u}/x' $p 'm1'
    b > 32 0f 0009 '{t}/q/{u}' 0002 'm2'
    b < 40 02 0002
    a < 32 0f 0009 '{t}/q/{u}' $q 'm2'
    b > 32 0f 0009 '{t}/p/1/2' 0003 'm3' 32 11 000b '{t}/p/1/2/3' 0004 'm4' 32 0d 0007 '{t}/p/1' 0005 'm5'
    b < 40 02 0003 40 02 0004 40 02 0005
    a < 32 0f 0009 '{t}/p/1/2' $r 'm3' 32 11 000b '{t}/p/1/2/3' $s 'm4'
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-4.7.1-3"],
    "+ that is not a level of its own is not a filter",
    [3, 4],
    `
    a connects 02
    a > 82 0b 0001 0006 '{t}/a+' 00
    a <? 90 03 0001 80
    b connects 02
    b > 82 0c 0001 0007 '{t}/+a/' 00
    b <? 90 03 0001 80
  `,
  ),
  dialogue(
    ["MQTT-4.7.1-3"],
    "a leading / makes an empty first level: /+ and +/+ match it, + does not",
    [3, 4],
    `
    a connects 02
    a > 82 07 0001 0002 '/+' 01
    a < 90 03 0001 01
    c connects 02
    c > 82 08 0001 0003 '+/+' 01
    c < 90 03 0001 01
    d connects 02
    d > 82 06 0001 0001 '+' 01
    d < 90 03 0001 01
    b connects 02
    b > 32 0a 0004 '/{t}' 0001 'm1'
    b < 40 02 0001
    a < 32 0a 0004 '/{t}' $p 'm1'
    c < 32 0a 0004 '/{t}' $q 'm1'
    d quiet
  `,
  ),
  dialogue(
    ["MQTT-4.7.1-3"],
    "a filter with a leading / and + in the middle matches, as /news/+/sport does",
    [3, 4],
    `
    a connects 02
    a > 82 11 0001 000c '/{t}/+/sport' 01
    a < 90 03 0001 01
    b connects 02
    b > 32 13 000d '/{t}/eu/sport' 0001 'm1' 32 12 000c '{t}/eu/sport' 0002 'm2' 32 11 000b '/{t}//sport' 0003 'm3'
    b < 40 02 0001 40 02 0002 40 02 0003
    a < 32 13 000d '/{t}/eu/sport' $p 'm1' 32 11 000b '/{t}//sport' $q 'm3'
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.3.2-2", "MQTT-4.7.1-1"],
    "a PUBLISH whose topic name has a wildcard closes the connection and is not delivered",
    [3, 4],
    `
    a connects 02
    a > 82 0a 0001 0005 '{t}/#' 02
    a < 90 03 0001 02
    b connects 02
    b > 30 09 0005 '{t}/+' 'hi'
    b closed
    b connects 02
    b > 32 0b 0005 '{t}/#' 0001 'hi'
    b closed
    b connects 02
    b > 34 0d 0007 '{t}/a+b' 0001 'hi'
    b closed
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-4.7.2-1"],
    "filters that begin with a wildcard do not match topic names that begin with $",
    [3, 4],
    `
    a connects 02
    a > 82 10 0001 0001 '#' 01 0007 '+/{u}/a' 01
    a < 90 04 0001 01 01
    c connects 02
    c > 82 0b 0001 0006 '$' '{t}/#' 01
    c < 90 03 0001 01
    b connects 02
    b > 32 10 000a '$' '{t}/{u}/a' 0001 'm1'
    b < 40 02 0001
    c < 32 10 000a '$' '{t}/{u}/a' $p 'm1'
    a > a2 05 0002 0001 '#'
    a < b0 02 0002
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-4.7.2-1"],
    "# and +/… do not receive retained messages of topic names that begin with $",
    [3, 4],
    `
    b connects 02
    b > 33 10 000a '$' '{t}/{u}/a' 0001 'r1'
    b < 40 02 0001
    a connects 02
    a > 82 0c 0001 0007 '+/{u}/a' 01
    a < 90 03 0001 01
    a quiet
    a > 82 0d 0002 0008 '$' '{t}/+/a' 00
    a <* 90 03 0002 00 | 31 0e 000a '$' '{t}/{u}/a' 'r1'
    b > 33 0e 000a '$' '{t}/{u}/a' 0002
    b < 40 02 0002
    a < 30 0c 000a '$' '{t}/{u}/a'
  `,
  ),
  dialogue(
    ["MQTT-4.7.3-1"],
    "a PUBLISH with an empty topic name closes the connection",
    [3, 4],
    `
    a connects 02
    a > 30 04 0000 'hi'
    a closed
    a connects 02
    a > 32 06 0000 0001 'hi'
    a closed
  `,
  ),
  dialogue(
    ["MQTT-4.7.3-1"],
    "a SUBSCRIBE with an empty filter is not granted",
    [3, 4],
    `
    a connects 02
    a > 82 05 0001 0000 00
    a <? 90 03 0001 80
  `,
  ),
  dialogue(
    ["MQTT-4.7.3-1"],
    "an UNSUBSCRIBE with an empty filter closes the connection or removes nothing",
    [3, 4],
    `
    a connects 02
    a > a2 04 0001 0000
    a <? b0 02 0001
  `,
  ),
  dialogue(
    ["MQTT-4.7.3-1"],
    "topic names of one character are topic names: / too",
    [3, 4],
    `
    a connects 02
    a > 82 06 0001 0001 '/' 01
    a < 90 03 0001 01
    b connects 02
    b > 32 07 0001 '/' 0001 'hi'
    b < 40 02 0001
    a < 32 07 0001 '/' $p 'hi'
    a > 40 02 $p
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-4.7.3-3"],
    "a long topic name is taken whole",
    [3, 4],
    `
    a connects 02
    a > 82 8d 18 0001 0c08 '{t}/' 'x'*3076 01 (3,080 bytes)
    a < 90 03 0001 01
    b connects 02
    b > 32 8e 18 0c08 '{t}/' 'x'*3076 0001 'hi'
    b < 40 02 0001
    a < 32 8e 18 0c08 '{t}/' 'x'*3076 $p 'hi'
  `,
  ),
  dialogue(
    ["MQTT-4.7.3-3"],
    "a topic name of 65,535 bytes is taken whole or closes the connection",
    [3, 4],
    `
    b connects 02
    b > 32 85 80 04 ffff '{t}/' 'x'*65531 0001 'hi'
    b <? 40 02 0001
  `,
  ),
  dialogue(
    ["MQTT-4.7.3-4"],
    "topic names are compared byte by byte: case, accents, spaces and empty levels are kept",
    [3, 4],
    `
    a connects 02
    a > 82 1b 0001 0005 '{t}/a' 01 0006 '{t}/é' 01 0005 '{t}//' 01
    a < 90 05 0001 01 01 01
    b connects 02
    b > 32 0b 0005 '{t}/A' 0001 'm1' 32 0d 0007 '{t}/' 65 cc 81 0002 'm2' 32 0c 0006 '{t}/a ' 0003 'm3'
    b < 40 02 0001 40 02 0002 40 02 0003
    b > 32 0c 0006 '{t}//a' 0001 'm1' 32 0c 0006 '{t}/a/' 0002 'm2' 32 0b 0005 '{t}//' 0003 'm3' 32 0a 0004 '{t}/' 0004 'm4'
    b < 40 02 0001 40 02 0002 40 02 0003 40 02 0004
    a < 32 0b 0005 '{t}//' $p 'm3'
    b > 32 0c 0006 '{t}/é' 0001 'm5'
    b < 40 02 0001
    a < 32 0c 0006 '{t}/é' $q 'm5'
    a quiet
  `,
  ),
];
