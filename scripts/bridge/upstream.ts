// The WebSocket side of the bridge.

import { WebSocket } from "ws";
import type { BridgeOptions } from "./arguments.ts";

const HANDSHAKE_WITHIN_MS = 10_000;
/** The broker joins packets up to its flush cap, and one packet may be of its maximum size. */
const LARGEST_FRAME = 32 * 1024 * 1024;

export type Upstream = Pick<BridgeOptions, "upstream" | "headers">;

/** Opens a WebSocket with the sub-protocol of MQTT [MQTT-6.0.0-3], without compression: MQTT is compact already. */
export const openUpstream = ({ upstream, headers }: Upstream): WebSocket =>
  new WebSocket(upstream, "mqtt", {
    headers,
    handshakeTimeout: HANDSHAKE_WITHIN_MS,
    perMessageDeflate: false,
    maxPayload: LARGEST_FRAME,
  });
