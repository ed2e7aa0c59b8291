// Topic filters as the standard has them (§4.7), written for the model alone: the broker may not vouch for itself.

export function matches(filter: string, topicName: string): boolean {
  const wanted = filter.split("/");
  const levels = topicName.split("/");
  for (const [index, level] of wanted.entries()) {
    if (level === "#") return true;
    if (index >= levels.length) return false;
    if (level !== "+" && level !== levels[index]) return false;
  }
  return wanted.length === levels.length;
}

/** `$share/NAME/FILTER`, or a filter as it is. */
export function partsOf(filter: string): { readonly topicFilter: string; readonly isShared: boolean } {
  const [prefix, , ...rest] = filter.split("/");
  return prefix === "$share"
    ? { topicFilter: rest.join("/"), isShared: true }
    : { topicFilter: filter, isShared: false };
}
