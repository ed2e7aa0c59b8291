// MQTT 5.0, undisturbed.

import { testDialogues } from "./conformance.ts";
import { dialogues } from "./v5/index.ts";

testDialogues(dialogues, "undisturbed");
