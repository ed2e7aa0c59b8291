// Message order (§4.6), and messages for sessions whose client is away (§4.5).

import { dialogue } from "../dialogue.ts";

const PUBLISHES = [1, 2, 3, 4, 5, 6, 7, 8];
const each = (line: (n: number) => string): string => PUBLISHES.map(line).join(" ");

export const order = [
  dialogue(
    ["MQTT-4.6.0-5", "MQTT-4.6.0-6"],
    "QoS 0 messages of one client on a topic come in the order in which it published them",
    [5],
    `
    a connects 02
    a > 82 0b 0001 00 0005 '{t}/a' 00
    a < 90 04 0001 00 00
    b connects 02
    b > ${each((n) => `30 0a 0005 '{t}/a' 00 'm${n}'`)}
    a < ${each((n) => `30 0a 0005 '{t}/a' 00 'm${n}'`)}
  `,
  ),
  dialogue(
    ["MQTT-4.6.0-5", "MQTT-4.6.0-6"],
    "QoS 1 messages of one client on a topic come in the order in which it published them, and PUBACK likewise",
    [5],
    `
    a connects 02
    a > 82 0b 0001 00 0005 '{t}/a' 01
    a < 90 04 0001 00 01
    b connects 02
    b > ${each((n) => `32 0c 0005 '{t}/a' 000${n} 00 'm${n}'`)}
    b < ${each((n) => `40 02 000${n}`)}
    a < ${each((n) => `32 0c 0005 '{t}/a' $p${n} 00 'm${n}'`)}
    a > ${each((n) => `40 02 $p${n}`)}
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-4.6.0-5", "MQTT-4.6.0-6"],
    "QoS 2 messages of one client on a topic come in the order in which it published them, and their acknowledgements likewise",
    [5],
    `
    a connects 02
    a > 82 0b 0001 00 0005 '{t}/a' 02
    a < 90 04 0001 00 02
    b connects 02
    b > ${each((n) => `34 0c 0005 '{t}/a' 000${n} 00 'm${n}'`)}
    b < ${each((n) => `50 02 000${n}`)}
    b > ${each((n) => `62 02 000${n}`)}
    b < ${each((n) => `70 02 000${n}`)}
    a < ${each((n) => `34 0c 0005 '{t}/a' $p${n} 00 'm${n}'`)}
    a > ${each((n) => `50 02 $p${n}`)}
    a < ${each((n) => `62 02 $p${n}`)}
    a > ${each((n) => `70 02 $p${n}`)}
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-4.6.0-6"],
    "the order holds over a reconnect with nothing acknowledged, and with a receive maximum of 2",
    [5],
    `
    a connects 00 11 00000e10 21 0002
    a > 82 0b 0001 00 0005 '{t}/a' 01
    a < 90 04 0001 00 01
    b connects 02
    b > ${each((n) => `32 0c 0005 '{t}/a' 000${n} 00 'm${n}'`)}
    b < ${each((n) => `40 02 000${n}`)}
    a < 32 0c 0005 '{t}/a' $p1 00 'm1' 32 0c 0005 '{t}/a' $p2 00 'm2'
    a drop
    b > 32 0c 0005 '{t}/a' 0009 00 'm9'
    b < 40 02 0009
    a resumes 00 11 00000e10
    a < 3a 0c 0005 '{t}/a' $p1 00 'm1' 3a 0c 0005 '{t}/a' $p2 00 'm2'
    a < ${[3, 4, 5, 6, 7, 8, 9].map((n) => `32 0c 0005 '{t}/a' $p${n} 00 'm${n}'`).join(" ")}
    a > ${each((n) => `40 02 $p${n}`)} 40 02 $p9
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-4.5.0-1"],
    "a message is kept for every session with a matching subscription, its client there or away, the publisher's own too",
    [5],
    `
    a connects 00 11 00000e10
    a > 82 0b 0001 00 0005 '{t}/a' 02
    a < 90 04 0001 00 02
    c connects 02
    c > 82 0b 0001 00 0005 '{t}/#' 01
    c < 90 04 0001 00 01
    b connects 02
    b > 82 0b 0001 00 0005 '{t}/a' 00
    b < 90 04 0001 00 00
    a drop
    b > 32 0c 0005 '{t}/a' 0001 00 'm1'
    b <* 40 02 0001 | 30 0a 0005 '{t}/a' 00 'm1'
    c < 32 0c 0005 '{t}/a' $p 00 'm1'
    c > 40 02 $p
    b > 34 0c 0005 '{t}/a' 0002 00 'm2'
    b <* 50 02 0002 | 30 0a 0005 '{t}/a' 00 'm2'
    b > 62 02 0002
    b < 70 02 0002
    c < 32 0c 0005 '{t}/a' $q 00 'm2'
    c > 40 02 $q
    a resumes 00 11 00000e10
    a < 32 0c 0005 '{t}/a' $r 00 'm1' 34 0c 0005 '{t}/a' $s 00 'm2'
    a > 40 02 $r 50 02 $s
    a < 62 02 $s
    a > 70 02 $s
    a quiet
    c quiet
    b quiet
  `,
  ),
];
