// The topic in a URL: everything behind `/topics/`, percent-decoded once. `/topics/a/b` and `/topics/a%2Fb` are the
// same topic, empty levels count (`/topics//a` is `/a`). URLs drop the levels `.` and `..` before anybody sees them,
// so those topics come as `?topic=`.

import { fail, ok, type Result } from "../core/brand.ts";
import { reasonCode } from "../core/reason-code.ts";
import { problem, type Problem } from "./problem.ts";

/** The topic as text, not checked further; fails with 400. Reads the raw URL: routers decode in ways of their own. */
export function topicOf(url: URL): Result<string, Problem> {
  const path = url.pathname.replace(/^(?:\/n\/[^/]*)?\/topics\/?/u, "");
  const query = rawQueryValue(url.search, "topic");
  if (path !== "" && query !== undefined) return fail(invalid("the topic is given in the path and in ?topic="));
  const raw = path === "" ? query : path;
  if (raw === undefined || raw === "") return fail(invalid("a topic is missing: /topics/{topic} or /topics?topic="));
  return decode(raw);
}

function decode(raw: string): Result<string, Problem> {
  try {
    return ok(decodeURIComponent(raw));
  } catch {
    return fail(invalid("the topic is not percent-encoded UTF-8"));
  }
}

const invalid = (detail: string): Problem => problem(400, detail, { reasonCode: reasonCode.topicNameInvalid });

/** As sent, but for `+`, which is a space in a query. `URLSearchParams` would hide broken UTF-8. */
function rawQueryValue(search: string, name: string): string | undefined {
  for (const pair of search.slice(1).split("&")) {
    if (pair.startsWith(`${name}=`)) return pair.slice(name.length + 1).replaceAll("+", "%20");
  }
  return undefined;
}
