// MQTT 5.0, with an eviction between every two packets: hibernation changes nothing that a client sees. Two files of one
// half each, so that both halves run at the same time.

import { testDialogues } from "./conformance.ts";
import { dialogues } from "./v5/index.ts";

testDialogues(
  dialogues.filter((_, at) => at % 2 === 1),
  "evicted between every two packets",
);
