// The layout in force travels with every call between parts (design §2).

/** On upgrades, which carry no arguments: the layout as JSON. */
export const layoutHeader = "x-mqtt-layout";
