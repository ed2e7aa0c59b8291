// MQTT 5.0 against a Worker that has less to offer.

import { testDialogues } from "../conformance/conformance.ts";
import { connackProperties, features } from "./features.ts";

testDialogues(features, "undisturbed", [5], connackProperties);
