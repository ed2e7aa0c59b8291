// MQTT 3.1 and 3.1.1, undisturbed.

import { testDialogues } from "./conformance.ts";
import { dialogues } from "./v3/index.ts";

testDialogues(dialogues, "undisturbed");
