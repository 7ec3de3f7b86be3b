import { once } from "node:events";
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What to do with a request: pass it on, or pass it on and lose the answer on its way back. */
export type LosesAnswer = (request: { readonly method: string; readonly path: string }) => boolean;

/**
 * A way to an HTTP server on which answers get lost: the server has done what it was asked for, and
 * the client's connection ends without a word of it.
 */
export class LossyProxy {
  /** Address to use instead of the server's. */
  readonly url: string;
  lost = 0;
  private readonly server: Server;

  private constructor(server: Server) {
    this.server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async start(target: string, losesAnswer: LosesAnswer): Promise<LossyProxy> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const proxy = new LossyProxy(server);
    server.on("request", (incoming: IncomingMessage, outgoing: ServerResponse) =>
      proxy.pass(new URL(target), incoming, outgoing, losesAnswer),
    );
    return proxy;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, "close");
  }

  private pass(
    target: URL,
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    losesAnswer: LosesAnswer,
  ): void {
    const { method = "GET", url: path = "/", headers } = incoming;
    // The host stays the proxy's: it is signed.
    const options = { host: target.hostname, port: target.port, method, path, headers };
    const upstream = request(options, (answer) => {
      if (losesAnswer({ method, path })) {
        this.lost += 1;
        answer.resume().on("end", () => outgoing.destroy());
        return;
      }
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    upstream.on("error", () => outgoing.destroy());
    incoming.pipe(upstream);
  }
}
