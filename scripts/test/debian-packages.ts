// The Debian packages that tests drive, and a file that each of them brings.

export const debianPackages = {
  chromium: "/usr/bin/chromium",
  curl: "/usr/bin/curl",
  "mosquitto-clients": "/usr/bin/mosquitto_pub",
  "python3-paho-mqtt": "/usr/lib/python3/dist-packages/paho/mqtt/client.py",
} as const;

export type DebianPackage = keyof typeof debianPackages;
