// MQTT 3.1 and 3.1.1, with an eviction between every two packets: hibernation changes nothing that a client sees.

import { testDialogues } from "./conformance.ts";
import { dialogues } from "./v3/index.ts";

testDialogues(dialogues, "evicted between every two packets");
