// Shared subscriptions (§4.8.2). Two bytes of payload are captured like packet identifiers, to say that two messages are
// not the same one.

import { dialogue } from "../dialogue.ts";

export const shared = [
  dialogue(
    [],
    "each message goes to exactly one member of a shared subscription, and they take turns",
    [5],
    `
    a connects 02
    a > 82 14 0001 00 000e '$share/g/{t}/#' 01
    a < 90 04 0001 00 01
    c connects 02
    c > 82 14 0001 00 000e '$share/g/{t}/#' 01
    c < 90 04 0001 00 01
    b connects 02
    b > 32 0c 0005 '{t}/a' 0001 00 'm1' 32 0c 0005 '{t}/b' 0002 00 'm2'
    b < 40 02 0001 40 02 0002
    a < 32 0c 0005 '{t}/' .. $p 00 $m
    c < 32 0c 0005 '{t}/' .. $q 00 $n
    differ m n
    b > 32 0c 0005 '{t}/c' 0003 00 'm3' 32 0c 0005 '{t}/d' 0004 00 'm4'
    b < 40 02 0003 40 02 0004
    a < 32 0c 0005 '{t}/' .. $r 00 $k
    c < 32 0c 0005 '{t}/' .. $s 00 $l
    differ k l m n
    a quiet
    c quiet
  `,
  ),
  dialogue(
    [],
    "a shared subscription matches by its filter alone, and each group gets a copy, beside the subscriptions that are not shared",
    [5],
    `
    a connects 02
    a > 82 16 0001 02 0b 01 000e '$share/g/{t}/+' 01
    a < 90 04 0001 00 01
    a > 82 16 0002 02 0b 02 000e '$share/h/{t}/a' 01
    a < 90 04 0002 00 01
    a > 82 0d 0003 02 0b 03 0005 '{t}/a' 01
    a < 90 04 0003 00 01
    c connects 02
    c > 82 14 0001 00 000e '$share/g//{t}/' 01
    c < 90 04 0001 00 01
    b connects 02
    b > 32 0c 0005 '{t}/a' 0001 00 'm1'
    b < 40 02 0001
    a <* 32 0e 0005 '{t}/a' $p 02 0b 01 'm1' | 32 0e 0005 '{t}/a' $q 02 0b 02 'm1' | 32 0e 0005 '{t}/a' $r 02 0b 03 'm1'
    b > 32 0c 0005 '/{t}/' 0002 00 'm2'
    b < 40 02 0002
    c < 32 0c 0005 '/{t}/' $s 00 'm2'
    a quiet
    c quiet
  `,
  ),
  dialogue(
    [],
    "a new member of a shared subscription gets no retained messages",
    [5],
    `
    b connects 02
    b > 33 0c 0005 '{t}/a' 0001 00 'r1'
    b < 40 02 0001
    a connects 02
    a > 82 14 0001 00 000e '$share/g/{t}/a' 01
    a < 90 04 0001 00 01
    a quiet
    c connects 02
    c > 82 14 0001 00 000e '$share/g/{t}/a' 11
    c < 90 04 0001 00 01
    c quiet
    c disconnects
    b > 33 0c 0005 '{t}/a' 0002 00 'r2'
    b < 40 02 0002
    a < 32 0c 0005 '{t}/a' $p 00 'r2'
    a > 40 02 $p
    b > 33 0a 0005 '{t}/a' 0003 00
    b < 40 02 0003
    a < 32 0a 0005 '{t}/a' $q 00
  `,
  ),
  dialogue(
    ["MQTT-4.8.2-3"],
    "each member of a shared subscription gets messages at its own granted QoS, with its own identifier",
    [5],
    `
    c connects 02 21 0001
    c > 82 16 0001 02 0b 02 000e '$share/g/{t}/a' 01
    c < 90 04 0001 00 01
    b connects 02
    b > 34 0c 0005 '{t}/a' 0001 00 'm1'
    b < 50 02 0001
    c < 32 0e 0005 '{t}/a' $q 02 0b 02 'm1'
    a connects 02
    a > 82 16 0001 02 0b 01 000e '$share/g/{t}/a' 00
    a < 90 04 0001 00 00
    b > 34 0c 0005 '{t}/a' 0002 00 'm2'
    b < 50 02 0002
    a < 30 0c 0005 '{t}/a' 02 0b 01 'm2'
    b > 62 02 0001 62 02 0002
    b < 70 02 0001 70 02 0002
    a quiet
    c quiet
  `,
  ),
  dialogue(
    ["MQTT-3.3.1-12", "MQTT-3.3.1-13"],
    "retain as published counts for shared subscriptions too, for what another member had before as well",
    [5],
    `
    a connects 02
    a > 82 14 0001 00 000e '$share/g/{t}/a' 09
    a < 90 04 0001 00 01
    b connects 02
    b > 33 0c 0005 '{t}/a' 0001 00 'm1' 31 0a 0005 '{t}/a' 00 'm2' 32 0c 0005 '{t}/a' 0002 00 'm3'
    b < 40 02 0001 40 02 0002
    a <* 33 0c 0005 '{t}/a' $p 00 'm1' | 31 0a 0005 '{t}/a' 00 'm2' | 32 0c 0005 '{t}/a' $q 00 'm3'
    c connects 02
    c > 82 14 0001 00 000e '$share/g/{t}/a' 29
    c < 90 04 0001 00 01
    a disconnects
    c <* 33 0c 0005 '{t}/a' $r 00 'm1' | 32 0c 0005 '{t}/a' $s 00 'm3'
    c > 40 02 $r 40 02 $s
    c > 82 14 0002 00 000e '$share/g/{t}/a' 02
    c < 90 04 0002 00 02
    b > 33 0c 0005 '{t}/a' 0003 00 'm4' 35 0a 0005 '{t}/a' 0004 00
    b < 40 02 0003 50 02 0004
    c < 32 0c 0005 '{t}/a' $u 00 'm4' 34 0a 0005 '{t}/a' $v 00
  `,
  ),
  dialogue(
    ["MQTT-3.8.3-4"],
    "no local on a shared subscription is a protocol error, and nothing of the packet is subscribed",
    [5],
    `
    a connects 02
    a > 82 1c 0001 00 0005 '{t}/a' 01 000e '$share/g/{t}/a' 05
    a told 82
    b connects 02
    b > 32 0c 0005 '{t}/a' 0001 00 'hi'
    b < 40 03 0001 10
  `,
  ),
  dialogue(
    ["MQTT-4.8.2-1", "MQTT-4.8.2-2"],
    "a shared subscription without a share name, with a wildcard in it or without a filter gets 0x8F, and the others are granted",
    [5],
    `
    a connects 02
    a > 82 40 0001 00 000d '$share//{t}/a' 01 000c '$share/+/{t}' 01 000c '$share/#/{t}' 01 000c '$share/g/{t}' 01
    a < 90 07 0001 00 8f 8f 8f 01
    a > 82 3d 0002 00 0008 '$share/g' 01 0009 '$share/g/' 01 0006 '$share' 01 0007 '$share/' 01 000d '$share/a+/{t}' 01
    a < 90 08 0002 00 8f 8f 8f 8f 8f
    a > 82 24 0003 00 0010 '$share/g/{t}/#/x' 01 000b '$shares/{t}' 01
    a < 90 05 0003 00 8f 01
    b connects 02
    b > 32 0a 0003 '{t}' 0001 00 'hi'
    b < 40 02 0001
    a < 32 0a 0003 '{t}' $p 00 'hi'
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-4.8.2-4", "MQTT-4.8.2-6"],
    "a QoS 2 message that a member was sent waits for that member, and a PUBREC with an error ends it",
    [5],
    `
    a connects 00 11 00000064
    a > 82 14 0001 00 000e '$share/g/{t}/a' 02
    a < 90 04 0001 00 02
    b connects 02
    b > 34 0c 0005 '{t}/a' 0001 00 'm1' 34 0c 0005 '{t}/a' 0002 00 'm2' 34 0c 0005 '{t}/a' 0003 00 'm3'
    b < 50 02 0001 50 02 0002 50 02 0003
    a < 34 0c 0005 '{t}/a' $p 00 'm1' 34 0c 0005 '{t}/a' $q 00 'm2' 34 0c 0005 '{t}/a' $r 00 'm3'
    c connects 02
    c > 82 14 0001 00 000e '$share/g/{t}/a' 02
    c < 90 04 0001 00 02
    a > 50 02 $p
    a < 62 02 $p
    a > 50 03 $r 87
    a drop
    b > 34 0c 0005 '{t}/a' 0004 00 'm4'
    b < 50 02 0004
    c < 34 0c 0005 '{t}/a' $s 00 'm4'
    c quiet
    a resumes 00 11 00000064
    a <* 62 02 $p | 3c 0c 0005 '{t}/a' $q 00 'm2'
    a > 70 02 $p 50 02 $q
    a < 62 02 $q
    a > 70 02 $q
    a quiet
    c quiet
    a disconnects
  `,
  ),
  dialogue(
    ["MQTT-4.8.2-5"],
    "a QoS 2 message that a member was sent ends with the member's session, a QoS 1 message goes to another member",
    [5],
    `
    a connects 02
    a > 82 14 0001 00 000e '$share/g/{t}/a' 02
    a < 90 04 0001 00 02
    b connects 02
    b > 34 0c 0005 '{t}/a' 0001 00 'm1' 32 0c 0005 '{t}/a' 0002 00 'm2' 34 0c 0005 '{t}/a' 0003 00 'm3'
    b < 50 02 0001 40 02 0002 50 02 0003
    a < 34 0c 0005 '{t}/a' $p 00 'm1' 32 0c 0005 '{t}/a' $q 00 'm2' 34 0c 0005 '{t}/a' $r 00 'm3'
    a > 50 02 $p
    a < 62 02 $p
    c connects 02
    c > 82 14 0001 00 000e '$share/g/{t}/a' 02
    c < 90 04 0001 00 02
    a disconnects
    c < 32 0c 0005 '{t}/a' $s 00 'm2'
    c > 40 02 $s
    b > 34 0c 0005 '{t}/a' 0004 00 'm4'
    b < 50 02 0004
    c < 34 0c 0005 '{t}/a' $u 00 'm4'
    c quiet
  `,
  ),
  dialogue(
    ["MQTT-4.8.2-5"],
    "a QoS 2 message that a member was sent ends where Clean Start 1 ends its session, a QoS 1 message goes to another member",
    [5],
    `
    a connects 00 11 00000064
    a > 82 14 0001 00 000e '$share/g/{t}/a' 02
    a < 90 04 0001 00 02
    b connects 02
    b > 34 0c 0005 '{t}/a' 0001 00 'm1' 32 0c 0005 '{t}/a' 0002 00 'm2'
    b < 50 02 0001 40 02 0002
    a < 34 0c 0005 '{t}/a' $p 00 'm1' 32 0c 0005 '{t}/a' $q 00 'm2'
    c connects 02
    c > 82 14 0001 00 000e '$share/g/{t}/a' 02
    c < 90 04 0001 00 02
    a drop
    a connects 02
    c < 32 0c 0005 '{t}/a' $s 00 'm2'
    c > 40 02 $s
    b > 34 0c 0005 '{t}/a' 0003 00 'm3'
    b < 50 02 0003
    c < 34 0c 0005 '{t}/a' $u 00 'm3'
    c quiet
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-4.8.2-6"],
    "a message whose member answers PUBACK or PUBREC with an error is given to nobody else",
    [5],
    `
    a connects 02
    a > 82 14 0001 00 000e '$share/g/{t}/a' 02
    a < 90 04 0001 00 02
    b connects 02
    b > 32 0c 0005 '{t}/a' 0001 00 'm1' 34 0c 0005 '{t}/a' 0002 00 'm2'
    b < 40 02 0001 50 02 0002
    a < 32 0c 0005 '{t}/a' $p 00 'm1' 34 0c 0005 '{t}/a' $q 00 'm2'
    c connects 02
    c > 82 14 0001 00 000e '$share/g/{t}/a' 02
    c < 90 04 0001 00 02
    a > 40 03 $p 80 50 03 $q 83
    a quiet
    c quiet
    a disconnects
    b > 32 0c 0005 '{t}/a' 0003 00 'm3'
    b < 40 02 0003
    c < 32 0c 0005 '{t}/a' $r 00 'm3'
    c quiet
  `,
  ),
  dialogue(
    [],
    "a session that subscribes twice is one member with the new QoS, and leaves with its first UNSUBSCRIBE",
    [5],
    `
    a connects 02
    a > 82 14 0001 00 000e '$share/g/{t}/a' 01
    a < 90 04 0001 00 01
    a > 82 16 0002 02 0b 09 000e '$share/g/{t}/a' 00
    a < 90 04 0002 00 00
    b connects 02
    b > 32 0c 0005 '{t}/a' 0001 00 'm1'
    b < 40 02 0001
    a < 30 0c 0005 '{t}/a' 02 0b 09 'm1'
    c connects 02
    c > 82 14 0001 00 000e '$share/g/{t}/a' 01
    c < 90 04 0001 00 01
    a > a2 13 0003 00 000e '$share/g/{t}/a'
    a < b0 04 0003 00 00
    a > a2 13 0004 00 000e '$share/g/{t}/a'
    a < b0 04 0004 00 11
    b > 32 0c 0005 '{t}/a' 0002 00 'm2' 32 0c 0005 '{t}/a' 0003 00 'm3'
    b < 40 02 0002 40 02 0003
    c < 32 0c 0005 '{t}/a' $p 00 'm2' 32 0c 0005 '{t}/a' $q 00 'm3'
    a quiet
    c quiet
  `,
  ),
  dialogue(
    [],
    "what a shared subscription had not handed out ends with its last member",
    [5],
    `
    a connects 02 21 0001 (one in flight)
    a > 82 14 0001 00 000e '$share/g/{t}/a' 01
    a < 90 04 0001 00 01
    b connects 02
    b > 32 0c 0005 '{t}/a' 0001 00 'm1' 32 0c 0005 '{t}/a' 0002 00 'm2'
    b < 40 02 0001 40 02 0002
    a < 32 0c 0005 '{t}/a' $p 00 'm1'
    a > a2 13 0002 00 000e '$share/g/{t}/a'
    a < b0 04 0002 00 00
    b > 32 0c 0005 '{t}/a' 0003 00 'm3'
    b < 40 03 0003 10
    a > 82 14 0004 00 000e '$share/g/{t}/a' 01
    a < 90 04 0004 00 01
    a > 40 02 $p
    a quiet
    b > 32 0c 0005 '{t}/a' 0004 00 'm4'
    b < 40 02 0004
    a < 32 0c 0005 '{t}/a' $q 00 'm4'
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-3.3.2-5", "MQTT-3.3.2-6"],
    "a message that waits in a shared subscription expires there",
    [5],
    `
    a connects 02 21 0001 (one in flight)
    a > 82 14 0001 00 000e '$share/g/{t}/a' 01
    a < 90 04 0001 00 01
    b connects 02
    b > 32 0c 0005 '{t}/a' 0001 00 'm1' 32 11 0005 '{t}/a' 0002 05 02 00000005 'm2' 32 11 0005 '{t}/a' 0003 05 02 00000064 'm3'
    b < 40 02 0001 40 02 0002 40 02 0003
    a < 32 0c 0005 '{t}/a' $p 00 'm1'
    advance 10
    a > 40 02 $p
    a < 32 11 0005 '{t}/a' $q 05 02 000000 58/59/5a 'm3'
    a quiet
  `,
  ),
  dialogue(
    [],
    "a message waits for a stored member that is away, and goes to another one where there is one",
    [5],
    `
    a connects 00 11 00000064
    a > 82 14 0001 00 000e '$share/g/{t}/a' 01
    a < 90 04 0001 00 01
    a drop
    b connects 02
    b > 32 0c 0005 '{t}/a' 0001 00 'm1'
    b < 40 02 0001
    c connects 02
    c > 82 14 0001 00 000e '$share/g/{t}/a' 01
    c <* 90 04 0001 00 01 | 32 0c 0005 '{t}/a' $p 00 'm1'
    c > 40 02 $p
    b > 32 0c 0005 '{t}/a' 0002 00 'm2' 32 0c 0005 '{t}/a' 0003 00 'm3'
    b < 40 02 0002 40 02 0003
    c < 32 0c 0005 '{t}/a' $q 00 'm2' 32 0c 0005 '{t}/a' $r 00 'm3'
    c > 40 02 $q 40 02 $r
    c disconnects
    b > 32 0c 0005 '{t}/a' 0004 00 'm4'
    b < 40 02 0004
    a resumes 00 11 00000064
    a < 32 0c 0005 '{t}/a' $s 00 'm4'
    a > 40 02 $s
    a quiet
    a disconnects
  `,
  ),
  dialogue(
    [],
    "clients of MQTT 3.1.1 and of MQTT 5 are members of one shared subscription",
    [5],
    `
    a connects 02 21 0001
    a > 82 16 0001 02 0b 01 000e '$share/g/{t}/a' 01
    a < 90 04 0001 00 01
    b connects 02
    b > 32 13 0005 '{t}/a' 0001 07 26 0001 'n' 0001 'v' 'm1'
    b < 40 02 0001
    a < 32 15 0005 '{t}/a' $p 09 26 0001 'n' 0001 'v' 0b 01 'm1'
    c > 10 0f 0004 'MQTT' 04 02 003c 0003 '{c}'
    c < 20 02 00 00
    c > 82 13 0001 000e '$share/g/{t}/a' 01
    c < 90 03 0001 01
    b > 32 13 0005 '{t}/a' 0002 07 26 0001 'n' 0001 'v' 'm2'
    b < 40 02 0002
    c < 32 0b 0005 '{t}/a' $q 'm2'
    a > 40 02 $p
    c > 40 02 $q
    a quiet
    c > 62 02 fffe
    c < 70 02 fffe
  `,
  ),
];
