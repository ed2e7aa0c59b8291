// The HTTP side of the broker as one Hono app.

import { Hono } from "hono";
import { defaultNamespace } from "../auth/json-entries.ts";
import type { HttpDeps } from "./deps.ts";
import { routes } from "./routes.ts";
import { serve } from "./serve.ts";

export type { HttpDeps } from "./deps.ts";

/** The app; `app.fetch(request)` never throws and never tells a stack. */
export function createHttpApp(deps: HttpDeps): Hono {
  // Hono would decode the path before matching, and its patterns do not match a line feed in a topic.
  const app = new Hono({ getPath: (request) => new URL(request.url).pathname });
  for (const route of routes) {
    app.all(route.pattern, ({ req }) => serve(deps, req.raw, defaultNamespace, route));
    app.all(`/n/:namespace${route.pattern === "/" ? "" : route.pattern}`, ({ req }) =>
      serve(deps, req.raw, req.param("namespace"), route),
    );
  }
  app.notFound(({ req }) => serve(deps, req.raw, defaultNamespace, undefined));
  return app;
}
