// `GET /example/`: the browser example, page and MQTT.js both from the broker's own origin.

import type { Exchange } from "./deps.ts";
import { problem, type Problem } from "./problem.ts";

const notFound = 404;

/** The files of `examples/browser`, which the broker keeps as static assets. */
export async function handleExample({ deps, request, url }: Exchange): Promise<Response | Problem> {
  const file = /\/example(?<file>\/.*)?$/u.exec(url.pathname)?.groups?.["file"];
  // The page finds its script and the broker beside its own path, which therefore must end in a slash.
  if (file === undefined) return new Response(null, { status: 308, headers: { location: `${url.pathname}/` } });
  const response = await deps.asset(file === "/" ? "/index.html" : file, request);
  return response.status === notFound ? problem(notFound, "no such path") : response;
}
