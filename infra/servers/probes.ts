import { once } from "node:events";
import { connect, createServer } from "node:net";

const ANSWER_MS_MAX = 5_000;

export function http(url: string, init: RequestInit = {}): Promise<Response> {
  return fetch(url, { signal: AbortSignal.timeout(ANSWER_MS_MAX), ...init });
}

/** The first bytes that a TCP server answers. */
export async function tcpAnswer(port: number, request: string | Buffer): Promise<Buffer> {
  const socket = connect({ host: "127.0.0.1", port, signal: AbortSignal.timeout(ANSWER_MS_MAX) });
  try {
    socket.write(request);
    const [answer] = await once(socket, "data", { signal: AbortSignal.timeout(ANSWER_MS_MAX) });
    return answer;
  } finally {
    socket.destroy();
  }
}

/** Whether this machine lets nobody else listen there. */
export async function isPortFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen({ port, host: "127.0.0.1", exclusive: true });
    await once(server, "listening");
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}
