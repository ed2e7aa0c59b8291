// CONNACK: the assigned client identifier, and what the server says only where it may (§3.2).

import { dialogue } from "../dialogue.ts";

export const connack = [
  dialogue(
    ["MQTT-3.1.3-6", "MQTT-3.1.3-7", "MQTT-3.2.2-16"],
    "an empty client identifier gets a unique one, which is told and names the session from then on",
    [5],
    `
    a > CONNECT 00 003c 05 11 00000064 0000
    a <~ 20 0000 37 {limits} 12 0029 'auto-' $a0 $a1 $a2 $a3 $a4 $a5 $a6 $a7 $a8 $a9 $aa $ab $ac $ad $ae $af $ag $ah
    b > CONNECT 02 003c 00 0000
    b <~ 20 0000 37 {limits} 12 0029 'auto-' $b0 $b1 $b2 $b3 $b4 $b5 $b6 $b7 $b8 $b9 $ba $bb $bc $bd $be $bf $bg $bh
    differ a0+a1+a2+a3 b0+b1+b2+b3
    a quiet
    b quiet
    a > 82 0b 0001 00 0005 '{t}/a' 01
    a < 90 04 0001 00 01
    a disconnects
    b > 32 0c 0005 '{t}/a' 0001 00 'hi'
    b < 40 02 0001
    c > CONNECT 00 003c 00 0029 'auto-' $a0 $a1 $a2 $a3 $a4 $a5 $a6 $a7 $a8 $a9 $aa $ab $ac $ad $ae $af $ag $ah
    c < 20 0e 01 00 0b {limits}
    c < 32 0c 0005 '{t}/a' $p 00 'hi'
    c > 40 02 $p
    c quiet
    b quiet
  `,
  ),
  dialogue(
    ["MQTT-3.1.3-6", "MQTT-3.1.3-7"],
    "an empty client identifier gets a unique one whatever Clean Start and the session expiry are",
    [5],
    `
    a > CONNECT 00 003c 00 0000
    a <~ 20 0000 37 {limits} 12 0029 'auto-'
    b > CONNECT 02 003c 05 11 ffffffff 0000
    b <~ 20 0000 37 {limits} 12 0029 'auto-'
    c > CONNECT 04 003c 00 0000 00 0005 '{t}/w' 0004 'gone'
    c <~ 20 0000 37 {limits} 12 0029 'auto-'
    c disconnects
    b > e0 07 00 05 11 00000000
    b closed
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-28"],
    "no Response Information is sent to a client that does not ask for it, nor where the server has none",
    [5],
    `
    a connects 02 19 00
    a disconnects
    a connects 02
    a disconnects
    a connects 02 19 01
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-29"],
    "with Request Problem Information 0 an acknowledgement has no reason string, and CONNACK and DISCONNECT may have one",
    [5],
    `
    a connects 02 17 00
    a > 34 0c 0005 '{t}/a' 0001 00 'hi'
    a <~ 50 0001
    a > 32 0c 0005 '{t}/a' 0001 00 'hi'
    a < 40 03 0001 91
    b connects 02 17 01
    b > 34 0c 0005 '{t}/a' 0001 00 'hi'
    b <~ 50 0001
    b > 32 0c 0005 '{t}/a' 0001 00 'hi'
    b <~ 40 0001 91
    a > CONNECT 02 003c 00 0003 '{a}'
    a told 82
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-24", "MQTT-3.1.2-25"],
    "a message larger than the client's Maximum Packet Size is not sent to it and counts as delivered",
    [5],
    `
    a connects 02 27 00000014 21 0001
    a > 82 0b 0001 00 0005 '{t}/a' 02
    a < 90 04 0001 00 02
    c connects 02
    c > 82 0b 0001 00 0005 '{t}/a' 02
    c < 90 04 0001 00 02
    b connects 02
    b > 32 13 0005 '{t}/a' 0001 00 'x'*9
    b < 40 02 0001
    c < 32 13 0005 '{t}/a' $p 00 'x'*9
    c > 40 02 $p
    a quiet
    b > 32 12 0005 '{t}/a' 0002 00 'x'*8
    b < 40 02 0002
    c < 32 12 0005 '{t}/a' $q 00 'x'*8
    c > 40 02 $q
    a < 32 12 0005 '{t}/a' $r 00 'x'*8 (20 bytes)
    a > 40 02 $r
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-24", "MQTT-3.1.2-25"],
    "a message in a stored session that is too large for its client's Maximum Packet Size does not hold up the next",
    [5],
    `
    a connects 00 11 00000064
    a > 82 0b 0001 00 0005 '{t}/a' 02
    a < 90 04 0001 00 02
    a disconnects
    b connects 02
    b > 34 0e 0005 '{t}/a' 0001 00 'm' 'x'*3
    b < 50 02 0001
    b > 62 02 0001
    b < 70 02 0001
    b > 32 4e 0005 '{t}/a' 0002 00 'm' 'y'*67
    b < 40 02 0002
    b > 32 0c 0005 '{t}/a' 0003 00 'm3'
    b < 40 02 0003
    a resumes 00 11 00000064 27 00000014
    a < 34 0e 0005 '{t}/a' $p 00 'm' 'x'*3 32 0c 0005 '{t}/a' $q 00 'm3'
    a > 50 02 $p 40 02 $q
    a < 62 02 $p
    a > 70 02 $p
    a quiet
    a drop
    a resumes 00
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.2.2-19", "MQTT-3.2.2-20", "MQTT-3.14.2-3", "MQTT-3.14.2-4", "MQTT-3.1.2-24"],
    "a reason string that would pass the client's Maximum Packet Size is left out of CONNACK and DISCONNECT, which have no user properties at all",
    [5],
    `
    a > CONNECT 02 003c 09 27 00000006 15 0001 'x' 0003 '{a}'
    a < 20 03 00 8c 00
    a closed
    b connects 02 27 00000010
    b > CONNECT 02 003c 00 0003 '{b}'
    b < e0 02 82 00
    b closed
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-26", "MQTT-3.1.2-27"],
    "no topic alias is sent without a Topic Alias Maximum or with 0, and none above it",
    [5],
    `
    a connects 02
    a > 82 0b 0001 00 0005 '{t}/#' 00
    a < 90 04 0001 00 00
    c connects 02 22 0000
    c > 82 0b 0001 00 0005 '{t}/#' 00
    c < 90 04 0001 00 00
    d connects 02 22 0001
    d > 82 0b 0001 00 0005 '{t}/#' 00
    d < 90 04 0001 00 00
    b connects 02
    b > 30 11 000a '{t}/alias1' 00 'one1'
    d < 30 14 000a '{t}/alias1' 03 23 0001 'one1'
    b > 30 11 000a '{t}/alias2' 00 'two2'
    d < 30 11 000a '{t}/alias2' 00 'two2'
    b > 30 11 000a '{t}/alias1' 00 'one3'
    d < 30 0a 0000 03 23 0001 'one3'
    a < 30 11 000a '{t}/alias1' 00 'one1' 30 11 000a '{t}/alias2' 00 'two2' 30 11 000a '{t}/alias1' 00 'one3'
    c < 30 11 000a '{t}/alias1' 00 'one1' 30 11 000a '{t}/alias2' 00 'two2' 30 11 000a '{t}/alias1' 00 'one3'
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-24"],
    "a client whose Maximum Packet Size has no room for its CONNACK is refused, and where it has none for a SUBACK told 0x95",
    [5],
    `
    b connects 02
    b > 82 0b 0001 00 0005 '{t}/w' 01
    b < 90 04 0001 00 01
    a connects 00 11 00000064
    a2 > CONNECT 06 003c 05 27 0000000f 0003 '{a}' 00 0005 '{t}/w' 0004 'gone'
    a2 < 20 03 00 95 00
    a2 closed
    a2 > CONNECT 06 003c 05 27 00000004 0003 '{a}' 00 0005 '{t}/w' 0004 'gone'
    a2 closed
    a quiet
    b quiet
    d connects 02 27 00000010
    d quiet
    c connects 02 27 00000014
    c > 82 63 0001 00 0005 '{t}/a' 00 0005 '{t}/b' 00 0005 '{t}/c' 00 0005 '{t}/d' 00 0005 '{t}/e' 00 0005 '{t}/f' 00 0005 '{t}/g' 00 0005 '{t}/h' 00 0005 '{t}/i' 00 0005 '{t}/j' 00 0005 '{t}/k' 00 0005 '{t}/l' 00
    c < 90 0f 0001 00 00*12
    c > 82 c3 01 0001 00 0005 '{t}/a' 00 0005 '{t}/b' 00 0005 '{t}/c' 00 0005 '{t}/d' 00 0005 '{t}/e' 00 0005 '{t}/f' 00 0005 '{t}/g' 00 0005 '{t}/h' 00 0005 '{t}/i' 00 0005 '{t}/j' 00 0005 '{t}/k' 00 0005 '{t}/l' 00 0005 '{t}/a' 00 0005 '{t}/b' 00 0005 '{t}/c' 00 0005 '{t}/d' 00 0005 '{t}/e' 00 0005 '{t}/f' 00 0005 '{t}/g' 00 0005 '{t}/h' 00 0005 '{t}/i' 00 0005 '{t}/j' 00 0005 '{t}/k' 00 0005 '{t}/l' 00
    c told 95
  `,
  ),
];
