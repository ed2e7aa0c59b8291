// The fault of the control: a flush that tells everybody that it has written, and writes later. Stands in for
// src/objects/flush.ts in the control's bundle, and only there.

import { faultMark } from "./fault-mark.ts";
import { Flush as HonestFlush, type FlushPort } from "../../../src/objects/flush.ts";

export * from "../../../src/objects/flush.ts";

const writeDelayMs = 100;

export class Flush extends HonestFlush {
  readonly fault = faultMark;

  constructor(port: FlushPort) {
    super(acknowledgingFirst(port));
  }
}

function acknowledgingFirst(port: FlushPort): FlushPort {
  let isPlanned = false;
  const writeLate = (): void => {
    isPlanned = false;
    try {
      port.write();
      port.onFlushed();
    } catch (fault) {
      port.abort(fault);
    }
  };
  return {
    ...port,
    write: () => {
      if (!isPlanned) setTimeout(writeLate, writeDelayMs);
      isPlanned = true;
      return true;
    },
    durable: () => Promise.resolve(),
    onFlushed: () => {},
  };
}
