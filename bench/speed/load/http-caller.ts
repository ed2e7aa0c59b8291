// One keep-alive connection that POSTs requests made beforehand, one at a time: HTTP by hand, for the same reason as
// the WebSocket.

import { connect, type Socket } from "node:net";

const host = "127.0.0.1";
const headEnd = "\r\n\r\n";
const statusAt = "HTTP/1.1 ".length;
const statusLength = 3;
const lastChunk = "0\r\n\r\n";

export class HttpCaller {
  readonly #socket: Socket;
  readonly #head: string;
  #answer = "";
  #waiting: { readonly resolve: (status: number) => void; readonly reject: (error: Error) => void } | undefined;

  constructor(url: string, type: string) {
    const { port, pathname } = new URL(url);
    this.#head = `POST ${pathname} HTTP/1.1\r\nHost: ${host}:${port}\r\nContent-Type: ${type}\r\nContent-Length: `;
    this.#socket = connect({ host, port: Number(port), noDelay: true });
    this.#socket.setEncoding("latin1");
    this.#socket.on("data", (text: string) => this.#onText(text));
    this.#socket.on("error", (error) => this.#waiting?.reject(error));
    this.#socket.on("close", () => this.#waiting?.reject(new Error("the broker closed an HTTP connection")));
  }

  /** Gives the status. */
  async post(body: string): Promise<number> {
    return await new Promise<number>((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#socket.write(`${this.#head}${body.length}${headEnd}${body}`, "latin1");
    });
  }

  end(): void {
    this.#waiting = undefined;
    this.#socket.destroy();
  }

  #onText(text: string): void {
    this.#answer += text;
    const bodyAt = this.#answer.indexOf(headEnd) + headEnd.length;
    if (bodyAt < headEnd.length) return;
    const length = /\r\ncontent-length: (\d+)/iu.exec(this.#answer.slice(0, bodyAt))?.[1];
    const isWhole =
      length === undefined ? this.#answer.endsWith(lastChunk) : this.#answer.length >= bodyAt + Number(length);
    if (!isWhole) return;
    const status = Number(this.#answer.slice(statusAt, statusAt + statusLength));
    this.#answer = "";
    this.#waiting?.resolve(status);
  }
}
