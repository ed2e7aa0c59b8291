// Message order (§4.6) and the order of acknowledgements.

import { dialogue } from "../dialogue.ts";

const PUBLISHES = [1, 2, 3, 4, 5, 6, 7, 8];
const each = (line: (n: number) => string): string => PUBLISHES.map(line).join(" ");

export const order = [
  dialogue(
    ["MQTT-4.6.0-5", "MQTT-4.6.0-6"],
    "QoS 0 messages of a client on a topic arrive in their order",
    [3, 4],
    `
    a connects 02
    a > 82 0a 0001 0005 '{t}/a' 00
    a < 90 03 0001 00
    b connects 02
    b > ${each((n) => `30 09 0005 '{t}/a' 'm${n}'`)}
    a < ${each((n) => `30 09 0005 '{t}/a' 'm${n}'`)}
  `,
  ),
  dialogue(
    ["MQTT-4.6.0-5", "MQTT-4.6.0-6"],
    "QoS 1 messages of a client on a topic arrive in their order, and are acknowledged in it",
    [3, 4],
    `
    a connects 02
    a > 82 0a 0001 0005 '{t}/a' 01
    a < 90 03 0001 01
    b connects 02
    b > ${each((n) => `32 0b 0005 '{t}/a' 000${n} 'm${n}'`)}
    b < ${each((n) => `40 02 000${n}`)}
    a < ${each((n) => `32 0b 0005 '{t}/a' $p${n} 'm${n}'`)}
    a > ${each((n) => `40 02 $p${n}`)}
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-4.6.0-5", "MQTT-4.6.0-6"],
    "QoS 2 messages of a client on a topic arrive in their order, with PUBREC, PUBREL and PUBCOMP in it",
    [3, 4],
    `
    a connects 02
    a > 82 0a 0001 0005 '{t}/a' 02
    a < 90 03 0001 02
    b connects 02
    b > ${each((n) => `34 0b 0005 '{t}/a' 000${n} 'm${n}'`)}
    b < ${each((n) => `50 02 000${n}`)}
    b > ${each((n) => `62 02 000${n}`)}
    b < ${each((n) => `70 02 000${n}`)}
    a < ${each((n) => `34 0b 0005 '{t}/a' $p${n} 'm${n}'`)}
    a > ${each((n) => `50 02 $p${n}`)}
    a < ${each((n) => `62 02 $p${n}`)}
    a > ${each((n) => `70 02 $p${n}`)}
    a quiet
  `,
  ),
  dialogue(
    ["MQTT-4.6.0-6"],
    "the order holds while the subscriber does not acknowledge",
    [3, 4],
    `
    a connects 00
    a > 82 0a 0001 0005 '{t}/a' 01
    a < 90 03 0001 01
    b connects 02
    b > ${each((n) => `32 0b 0005 '{t}/a' 000${n} 'm${n}'`)}
    b < ${each((n) => `40 02 000${n}`)}
    a drop
    b > 32 0b 0005 '{t}/a' 0009 'm9'
    b < 40 02 0009
    a resumes 00
    a < ${each((n) => `32/3a 0b 0005 '{t}/a' $p${n} 'm${n}'`)} 32 0b 0005 '{t}/a' $p9 'm9'
    a > ${each((n) => `40 02 $p${n}`)} 40 02 $p9
    a quiet
  `,
  ),
];
