// Debian's Chromium, and pages for it from an origin of their own.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { chromium, type Browser } from "playwright-core";
import { chromiumPath } from "./debian-packages.ts";

/** Starts it with an empty profile, and nothing that would ask the network for anything else. */
export const startBrowser = (): Promise<Browser> =>
  chromium.launch({
    executablePath: chromiumPath,
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });

export interface PageServer {
  readonly url: string;
  stop(): Promise<void>;
}

/** Serves texts by path on a free loopback port: `.js` as script, everything else as HTML. */
export async function servePages(pages: Readonly<Record<string, string>>): Promise<PageServer> {
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? "/", "http://localhost").pathname;
    const page = pages[path];
    const type = path.endsWith(".js") ? "text/javascript" : "text/html";
    response.writeHead(page === undefined ? 404 : 200, { "content-type": `${type}; charset=utf-8` }).end(page);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const stop = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { url: `http://127.0.0.1:${port}`, stop };
}
