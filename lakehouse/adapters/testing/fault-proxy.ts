import { once } from "node:events";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

/**
 * What becomes of a request: passed on; its answer dropped after the server applied it; refused before
 * the server saw it; its answer cut in the middle; applied, but answered with an error status.
 */
export type Fault =
  | "none"
  | "lose-answer"
  | "lose-request"
  | "cut-answer"
  | {
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly applied: boolean;
    };

export interface ProxiedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
}

export interface FaultProxy {
  readonly url: string;
  /** Every request that came, in order. */
  readonly requests: readonly ProxiedRequest[];
  /** Decides about requests from now on. */
  inject(decide: (request: ProxiedRequest) => Fault): void;
  close(): Promise<void>;
}

/** An HTTP proxy before a real server that loses, cuts and falsifies answers on demand. */
export async function startFaultProxy(target: string): Promise<FaultProxy> {
  let decide: (request: ProxiedRequest) => Fault = () => "none";
  const requests: ProxiedRequest[] = [];
  const server = createServer((incoming, outgoing) => {
    const seen = { method: incoming.method ?? "", url: incoming.url ?? "", headers: incoming.headers };
    requests.push(seen);
    relay(incoming, outgoing, target, decide(seen)).catch(() => outgoing.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    inject: (next) => {
      decide = next;
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** Applies a fault to the first requests that match, and to no other. */
export function first(
  count: number,
  fault: Fault,
  matches: (request: ProxiedRequest) => boolean,
): (request: ProxiedRequest) => Fault {
  let left = count;
  return (request) => (matches(request) && left-- > 0 ? fault : "none");
}

async function relay(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  target: string,
  fault: Fault,
): Promise<void> {
  const body = await buffer(incoming);
  if (fault === "lose-request") return void outgoing.destroy();
  if (typeof fault === "object" && !fault.applied) return void answer(outgoing, fault);
  const { hostname, port } = new URL(target);
  const { method, url, headers } = incoming;
  const upstream = request({ hostname, port, method, path: url, headers, agent: false });
  upstream.end(body);
  const [response] = (await once(upstream, "response")) as [IncomingMessage];
  const bytes = await buffer(response);
  if (fault === "lose-answer") return void outgoing.destroy();
  if (typeof fault === "object") return void answer(outgoing, fault);
  outgoing.writeHead(response.statusCode ?? 502, response.headers);
  if (fault === "none") return void outgoing.end(bytes);
  outgoing.write(bytes.subarray(0, bytes.length >> 1), () => outgoing.destroy());
}

function answer(
  outgoing: ServerResponse,
  fault: { readonly status: number; readonly headers?: Readonly<Record<string, string>> },
): void {
  outgoing.writeHead(fault.status, fault.headers ?? {});
  outgoing.end();
}
