// UTF-8 as MQTT wants it. `mqtt-packet` puts U+FFFD where bytes are wrong; MQTT closes the connection.

// Fatal, so that ill-formed bytes and surrogates are found [MQTT-1.5.4-1] [MQTT-1.5.3-1 v3.1.1]; ignoreBOM keeps
// U+FEFF as the character it is [MQTT-1.5.4-3] [MQTT-1.5.3-3 v3.1.1].
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The string in these bytes, or `undefined` where they are no UTF-8 or hold U+0000 [MQTT-1.5.4-2] [MQTT-1.5.3-2 v3.1.1]. */
export function parseUtf8(bytes: Uint8Array): string | undefined {
  try {
    const text = decoder.decode(bytes);
    return text.includes("\u0000") ? undefined : text;
  } catch {
    return undefined;
  }
}
