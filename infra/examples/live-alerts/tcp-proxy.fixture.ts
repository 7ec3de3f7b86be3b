import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A connection to a port of this machine that a test can cut, freeze and refuse. */
export class TcpProxy {
  readonly #open = new Set<Socket>();
  readonly #server = createServer((client) => this.#join(client));
  readonly #target: number;
  port = 0;

  private constructor(target: number) {
    this.#target = target;
  }

  static async open(target: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    await proxy.listen();
    return proxy;
  }

  /** Takes connections, on the same port each time. */
  async listen(): Promise<void> {
    this.#server.listen(this.port, "127.0.0.1");
    await once(this.#server, "listening");
    this.port = (this.#server.address() as AddressInfo).port;
  }

  /** Cuts what is open, with a reset. */
  cut(): void {
    for (const socket of this.#open) socket.resetAndDestroy();
  }

  /** From now on what is open passes nothing on, in either direction; new connections do. */
  freeze(): void {
    for (const socket of this.#open) {
      socket.unpipe();
      socket.removeAllListeners("close");
      socket.pause();
    }
  }

  /** Cuts what is open, and refuses connections until it listens again. */
  async refuse(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.cut();
    await closed;
  }

  async close(): Promise<void> {
    if (this.#server.listening) await this.refuse();
  }

  #join(client: Socket): void {
    const server = connect(this.#target, "127.0.0.1");
    for (const [from, to] of [
      [client, server],
      [server, client],
    ]) {
      this.#open.add(from);
      from.on("error", () => undefined);
      from.once("close", () => to.destroy());
      from.once("close", () => this.#open.delete(from));
      from.pipe(to);
    }
  }
}
