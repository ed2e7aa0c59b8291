// Topic names and filters: wildcards, `$`, empty levels, no normalization (§4.7).

import { dialogue } from "../dialogue.ts";

export const topics = [
  dialogue(
    ["MQTT-4.7.1-1"],
    "# matches the level it follows and every level below",
    [5],
    `
    a connects 02
    a > 82 0d 0001 00 0007 '{t}/p/#' 01
    a < 90 04 0001 00 01
    b connects 02
    b > 32 0c 0005 '{t}/p' 0001 00 'm1' 32 0e 0007 '{t}/p/q' 0002 00 'm2' 32 10 0009 '{t}/p/q/r' 0003 00 'm3'
    b < 40 02 0001 40 02 0002 40 02 0003
    a < 32 0c 0005 '{t}/p' $p 00 'm1' 32 0e 0007 '{t}/p/q' $q 00 'm2' 32 10 0009 '{t}/p/q/r' $r 00 'm3'
    b > 32 0a 0003 '{t}' 0004 00 'm4' 32 0d 0006 '{t}/pp' 0005 00 'm5' 32 0d 0006 '{t}/p/' 0006 00 'm6'
    b < 40 03 0004 10 40 03 0005 10 40 02 0006
    a < 32 0d 0006 '{t}/p/' $s 00 'm6'
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-4.7.1-1"],
    "# alone matches every topic name that does not begin with $",
    [5],
    `
    a connects 02
    a > 82 07 0001 00 0001 '#' 20
    a < 90 04 0001 00 00
    b connects 02
    b > 30 08 0003 '{t}' 00 'm1' 30 0e 0009 '{t}/a/b/c' 00 'm2' 30 09 0004 '/{t}' 00 'm3'
    a <* 30 08 0003 '{t}' 00 'm1' | 30 0e 0009 '{t}/a/b/c' 00 'm2' | 30 09 0004 '/{t}' 00 'm3'
    a > a2 06 0002 00 0001 '#'
    a < b0 04 0002 00 00
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-4.7.1-1", "MQTT-4.7.1-2"],
    "# that is not the last level and # or + that is not a level of its own get 0x8F",
    [5],
    `
    a connects 02
    a > 82 30 0001 00 0007 '{t}/#/a' 00 0006 '{t}/a#' 00 0006 '{t}/a+' 01 0007 '{t}/+a/' 02 0004 '{t}#' 00
    a < 90 08 0001 00 8f 8f 8f 8f 8f
    b connects 02
    b > 32 0c 0005 '{t}/a' 0001 00 'hi'
    b < 40 03 0001 10
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-4.7.1-2"],
    "+ matches exactly one level, also an empty one",
    [5],
    `
    a connects 02
    a > 82 0b 0001 00 0005 '{t}/+' 01
    a < 90 04 0001 00 01
    b connects 02
    b > 32 0c 0005 '{t}/p' 0001 00 'm1' 32 0e 0007 '{t}/p/q' 0002 00 'm2' 32 0a 0003 '{t}' 0003 00 'm3' 32 0b 0004 '{t}/' 0004 00 'm4'
    b < 40 02 0001 40 03 0002 10 40 03 0003 10 40 02 0004
    a < 32 0c 0005 '{t}/p' $p 00 'm1' 32 0b 0004 '{t}/' $q 00 'm4'
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-4.7.1-2"],
    "+ works at the first, a middle and the last level, and with #",
    [5],
    `
    a connects 02
    a > 82 27 0001 00 0007 '+/{u}/x' 01 0009 '{t}/+/{u}' 01 000b '{t}/p/+/+/#' 01
    a < 90 06 0001 00 01 01 01
    b connects 02
    b > 32 10 0009 '{t}/{u}/x' 0001 00 'm1'
    b < 40 02 0001
    a < 32 10 0009 '{t}/{u}/x' $p 00 'm1'
    b > 32 10 0009 '{t}/q/{u}' 0002 00 'm2'
    b < 40 02 0002
    a < 32 10 0009 '{t}/q/{u}' $q 00 'm2'
    b > 32 10 0009 '{t}/p/1/2' 0003 00 'm3' 32 12 000b '{t}/p/1/2/3' 0004 00 'm4' 32 0e 0007 '{t}/p/1' 0005 00 'm5'
    b < 40 02 0003 40 02 0004 40 03 0005 10
    a < 32 10 0009 '{t}/p/1/2' $r 00 'm3' 32 12 000b '{t}/p/1/2/3' $s 00 'm4'
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-4.7.1-2"],
    "a leading / makes an empty first level: /+ and +/+ match it, + does not",
    [5],
    `
    a connects 02
    a > 82 08 0001 00 0002 '/+' 21
    a < 90 04 0001 00 01
    c connects 02
    c > 82 09 0001 00 0003 '+/+' 21
    c < 90 04 0001 00 01
    d connects 02
    d > 82 07 0001 00 0001 '+' 21
    d < 90 04 0001 00 01
    b connects 02
    b > 32 0b 0004 '/{t}' 0001 00 'm1'
    b < 40 02 0001
    a < 32 0b 0004 '/{t}' $p 00 'm1'
    c < 32 0b 0004 '/{t}' $q 00 'm1'
    d quiet
  `,
  ),
  dialogue(
    ["MQTT-4.7.0-1", "MQTT-3.3.2-2"],
    "a PUBLISH whose topic name has a wildcard closes the connection with 0x90 and is not delivered",
    [5],
    `
    a connects 02
    a > 82 0b 0001 00 0005 '{t}/#' 02
    a < 90 04 0001 00 02
    b connects 02
    b > 30 0a 0005 '{t}/+' 00 'hi'
    b told 90
    b connects 02
    b > 32 0c 0005 '{t}/#' 0001 00 'hi'
    b told 90
    b connects 02
    b > 34 0e 0007 '{t}/a+b' 0001 00 'hi'
    b told 90
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-4.7.2-1"],
    "filters that begin with a wildcard do not match topic names that begin with $, live or retained, shared or not",
    [5],
    `
    a connects 02
    a > 82 20 0001 00 0001 '#' 20 0007 '+/{u}/a' 01 000c '$share/g/+/#' 01
    a < 90 06 0001 00 00 01 01
    c connects 02
    c > 82 0c 0001 00 0006 '$' '{t}/#' 01
    c < 90 04 0001 00 01
    b connects 02
    b > 33 11 000a '$' '{t}/{u}/a' 0001 00 'r1'
    b < 40 02 0001
    c < 32 11 000a '$' '{t}/{u}/a' $p 00 'r1'
    a > 82 17 0002 00 0007 '+/{u}/a' 01 0007 '+/{u}/#' 00
    a < 90 05 0002 00 01 00
    a quiet
    a > 82 0e 0003 00 0008 '$' '{t}/+/a' 00
    a <* 90 04 0003 00 00 | 31 0f 000a '$' '{t}/{u}/a' 00 'r1'
    a disconnects
    b > 33 0f 000a '$' '{t}/{u}/a' 0002 00
    b < 40 02 0002
    c < 32 0f 000a '$' '{t}/{u}/a' $q 00
  `,
  ),
  dialogue(
    ["MQTT-4.7.3-1"],
    "a topic name has at least one character: an empty one is a protocol error, / is one",
    [5],
    `
    a connects 02
    a > 30 05 0000 00 'hi'
    a told 82
    a connects 02
    a > 32 07 0000 0001 00 'hi'
    a told 82
    a connects 02
    a > 82 07 0001 00 0001 '/' 01
    a < 90 04 0001 00 01
    b connects 02
    b > 32 08 0001 '/' 0001 00 'hi'
    b < 40 02 0001
    a < 32 08 0001 '/' $p 00 'hi'
    a > 40 02 $p
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-4.7.3-1"],
    "a SUBSCRIBE or UNSUBSCRIBE with an empty filter is a malformed packet, and its other filters are nothing",
    [5],
    `
    a connects 00 11 00000064
    a > 82 0e 0001 00 0005 '{t}/a' 01 0000 00
    a told 81
    a resumes 00 11 00000064
    a > 82 0b 0001 00 0005 '{t}/b' 01
    a < 90 04 0001 00 01
    a > a2 0c 0002 00 0005 '{t}/b' 0000
    a told 81
    b connects 02
    b > 32 0c 0005 '{t}/a' 0001 00 'm1' 32 0c 0005 '{t}/b' 0002 00 'm2'
    b < 40 03 0001 10 40 02 0002
    a resumes 00
    a < 32 0c 0005 '{t}/b' $p 00 'm2'
  `,
  ),
  dialogue(
    ["MQTT-4.7.3-3"],
    "a long topic name is taken whole, one of 65,535 bytes is answered with 0x90 and its filter with 0x8F",
    [5],
    `
    a connects 02
    a > 82 8e 18 0001 00 0c08 '{t}/' 'x'*3076 01 (3,080 bytes)
    a < 90 04 0001 00 01
    b connects 02
    b > 32 8f 18 0c08 '{t}/' 'x'*3076 0001 00 'hi'
    b < 40 02 0001
    a < 32 8f 18 0c08 '{t}/' 'x'*3076 $p 00 'hi'
    a > 82 85 80 04 0002 00 ffff '{t}/' 'x'*65531 01
    a < 90 04 0002 00 8f
    b > 32 86 80 04 ffff '{t}/' 'x'*65531 0002 00 'hi'
    b <~ 40 0002 90
    b > 34 86 80 04 ffff '{t}/' 'x'*65531 0003 00 'hi'
    b <~ 50 0003 90
    b quiet
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-4.7.3-4"],
    "topic names are compared character by character: case, accents, spaces and empty levels are kept",
    [5],
    `
    a connects 02
    a > 82 1c 0001 00 0005 '{t}/a' 01 0006 '{t}/é' 01 0005 '{t}//' 01
    a < 90 06 0001 00 01 01 01
    b connects 02
    b > 32 0c 0005 '{t}/A' 0001 00 'm1' 32 0e 0007 '{t}/' 65 cc 81 0002 00 'm2' 32 0d 0006 '{t}/a ' 0003 00 'm3'
    b < 40 03 0001 10 40 03 0002 10 40 03 0003 10
    b > 32 0d 0006 '{t}//a' 0001 00 'm1' 32 0d 0006 '{t}/a/' 0002 00 'm2' 32 0c 0005 '{t}//' 0003 00 'm3' 32 0b 0004 '{t}/' 0004 00 'm4'
    b < 40 03 0001 10 40 03 0002 10 40 02 0003 40 03 0004 10
    a < 32 0c 0005 '{t}//' $p 00 'm3'
    b > 32 0d 0006 '{t}/é' 0001 00 'm5'
    b < 40 02 0001
    a < 32 0d 0006 '{t}/é' $q 00 'm5'
    a quiet
  `,
  ),
];
