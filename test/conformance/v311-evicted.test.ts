// MQTT 3.1.1, with an eviction between every two packets: hibernation changes nothing that a client sees. A file of its own,
// so that both versions run at the same time.

import { testDialogues } from "./conformance.ts";
import { dialogues } from "./v3/index.ts";

testDialogues(dialogues, "evicted between every two packets", [4]);
