// Every combination of the CONNECT flags and the fields that they announce (§3.1.2.3, §3.1.3).
// 80 user name, 40 password, 20 will retain, 18 will QoS, 04 will, 02 clean session, 01 reserved.

import { dialogue } from "../dialogue.ts";

export const connectFlags = [
  dialogue(
    ["MQTT-3.1.2-3", "MQTT-3.1.4-1", "MQTT-3.2.2-6"],
    "a CONNECT with the reserved flag set is closed without CONNACK",
    [4],
    `
    a > CONNECT 03 003c 0003 '{a}'
    a closed
    b > CONNECT 01 003c 0003 '{b}'
    b closed
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-9"],
    "will topic and will message are taken from the payload where the will flag is set",
    [3, 4],
    `
    a > CONNECT 06 003c 0003 '{a}' 0005 '{t}/w' 0004 'gone'
    a < 20 02 00 00
    b > CONNECT 06 003c 0003 '{b}' 0005 '{t}/w' 0000
    b < 20 02 00 00
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-9"],
    "a CONNECT whose will flag is set and that has no will message is closed without CONNACK",
    [3, 4],
    `
    a > CONNECT 06 003c 0003 '{a}'
    a closed
    b > CONNECT 06 003c 0003 '{b}' 0005 '{t}/w'
    b closed
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-11"],
    "a CONNECT with will fields and no will flag is closed without CONNACK",
    [3, 4],
    `
    a > CONNECT 02 003c 0003 '{a}' 0005 '{t}/w' 0004 'gone'
    a closed
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-11", "MQTT-3.1.2-13"],
    "a CONNECT with a will QoS and no will flag is closed without CONNACK",
    [4],
    `
    a > CONNECT 0a 003c 0003 '{a}'
    a closed
    b > CONNECT 12 003c 0003 '{b}'
    b closed
    c > CONNECT 1a 003c 0003 '{c}'
    c closed
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-11", "MQTT-3.1.2-15"],
    "a CONNECT with will retain and no will flag is closed without CONNACK",
    [4],
    `
    a > CONNECT 22 003c 0003 '{a}'
    a closed
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-14"],
    "a CONNECT with will QoS 3 is closed without CONNACK",
    [3, 4],
    `
    a > CONNECT 1e 003c 0003 '{a}' 0005 '{t}/w' 0004 'gone'
    a closed
    b > CONNECT 3e 003c 0003 '{b}' 0005 '{t}/w' 0004 'gone'
    b closed
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-14"],
    "will QoS 0, 1 and 2 are accepted, with and without will retain",
    [3, 4],
    `
    a > CONNECT 06 003c 0003 '{a}' 0005 '{t}/w' 0004 'gone'
    a < 20 02 00 00
    a disconnects
    a > CONNECT 0e 003c 0003 '{a}' 0005 '{t}/w' 0004 'gone'
    a < 20 02 00 00
    a disconnects
    a > CONNECT 16 003c 0003 '{a}' 0005 '{t}/w' 0004 'gone'
    a < 20 02 00 00
    a disconnects
    a > CONNECT 26 003c 0003 '{a}' 0005 '{t}/w' 0004 'gone'
    a < 20 02 00 00
    a disconnects
    a > CONNECT 2e 003c 0003 '{a}' 0005 '{t}/w' 0004 'gone'
    a < 20 02 00 00
    a disconnects
    a > CONNECT 36 003c 0003 '{a}' 0005 '{t}/w' 0004 'gone'
    a < 20 02 00 00
    a disconnects
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-19", "MQTT-3.1.2-21", "MQTT-3.1.3-1"],
    "user name and password are read after the will fields, in this order",
    [3, 4],
    `
    a > CONNECT c2 003c 0003 '{a}' 0004 'user' 0004 'pass'
    a < 20 02 00 00
    b > CONNECT c6 003c 0003 '{b}' 0005 '{t}/w' 0004 'gone' 0004 'user' 0004 'pass'
    b < 20 02 00 00
    c > CONNECT 82 003c 0003 '{c}' 0004 'user'
    c < 20 02 00 00
    a > 82 0a 0001 0005 '{t}/w' 00
    a < 90 03 0001 00
    b drop
    a < 30 0b 0005 '{t}/w' 'gone'
  `,
  ),
  dialogue(
    [],
    "a password is binary data, not text",
    [3, 4],
    `
    a > CONNECT c2 003c 0003 '{a}' 0004 'user' 0004 00 ff fe c0
    a < 20 02 00 00
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-18"],
    "a CONNECT with a user name and no user name flag is closed without CONNACK",
    [3, 4],
    `
    a > CONNECT 02 003c 0003 '{a}' 0004 'user'
    a closed
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-19"],
    "a CONNECT with the user name flag and no user name is closed without CONNACK",
    [4],
    `
    a > CONNECT 82 003c 0003 '{a}'
    a closed
  `,
  ),
  dialogue(
    [],
    "a CONNECT with the user name flag and no user name is accepted in MQTT 3.1: the length takes precedence over the flag",
    [3],
    `
    a > CONNECT 82 003c 0003 '{a}'
    a < 20 02 00 00
    b > CONNECT c2 003c 0003 '{b}' 0004 'user'
    b < 20 02 00 00
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-20"],
    "a CONNECT with a password and no password flag is closed without CONNACK",
    [3, 4],
    `
    a > CONNECT 82 003c 0003 '{a}' 0004 'user' 0004 'pass'
    a closed
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-21"],
    "a CONNECT with the password flag and no password is closed without CONNACK",
    [4],
    `
    a > CONNECT c2 003c 0003 '{a}' 0004 'user'
    a closed
  `,
  ),
  dialogue(
    ["MQTT-3.1.2-22"],
    "a CONNECT with the password flag and without the user name flag is closed without CONNACK",
    [4],
    `
    a > CONNECT 42 003c 0003 '{a}' 0004 'pass'
    a closed
  `,
  ),
];
