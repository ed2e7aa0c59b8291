// How long what a connection has in memory may differ from what is saved of it. The object does not hibernate meanwhile.

export const idleSaveMs = 1_000;
