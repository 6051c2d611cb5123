/** A TCP proxy that carries nothing for processes of the test's choice. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import type { Service } from "../../base/service.ts";

/** Tells who has connected by the socket's number in /proc: both ends are on this host. */
export class PickyProxy implements Service {
  address = "";
  readonly #target: () => number;
  readonly #server: Server;
  readonly #refused = new Set<number>();
  readonly #sockets = new Map<Socket, number | undefined>();
  /** The pids among which callers are looked for. */
  readonly #pids: () => readonly number[];

  private constructor(target: () => number, pids: () => readonly number[]) {
    this.#target = target;
    this.#pids = pids;
    this.#server = createServer((socket) => this.#onConnection(socket));
  }

  /** @param target the port on this host to which everything goes */
  static async start(target: () => number, pids: () => readonly number[]): Promise<PickyProxy> {
    const proxy = new PickyProxy(target, pids);
    await new Promise<void>((resolve) => void proxy.#server.listen(0, "127.0.0.1", resolve));
    const bound = proxy.#server.address();
    if (bound === null || typeof bound === "string") throw new Error("the proxy has no port");
    proxy.address = `127.0.0.1:${bound.port}`;
    return proxy;
  }

  /** From now on the process reaches nothing here. */
  refuse(pid: number): void {
    this.#refused.add(pid);
    for (const [socket, owner] of this.#sockets) if (owner === pid) socket.destroy();
  }

  /** And from now on it does again. */
  admit(pid: number): void {
    this.#refused.delete(pid);
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets.keys()) socket.destroy();
    await new Promise<void>((resolve) => void this.#server.close(() => resolve()));
  }

  #onConnection(socket: Socket): void {
    const owner = this.#pids().find((pid) => ownsPort(pid, socket.remotePort ?? 0));
    socket.on("error", () => socket.destroy());
    if (owner === undefined || this.#refused.has(owner)) return void socket.destroy();
    this.#sockets.set(socket, owner);
    const onward = connect(this.#target(), "127.0.0.1");
    onward.on("error", () => socket.destroy());
    socket.on("close", () => {
      this.#sockets.delete(socket);
      onward.destroy();
    });
    onward.on("close", () => socket.destroy());
    socket.pipe(onward).pipe(socket);
  }
}

/** Whether one of the process's sockets has that port for its own. */
function ownsPort(pid: number, port: number): boolean {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const lines = readFileSync("/proc/net/tcp", "utf8").split("\n").slice(1);
  const inode = lines.map((line) => line.trim().split(/\s+/)).find((fields) => fields[1]?.endsWith(suffix))?.[9];
  if (inode === undefined) return false;
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => isSocket(`/proc/${pid}/fd/${fd}`, inode));
  } catch {
    // The process is gone.
    return false;
  }
}

function isSocket(path: string, inode: string): boolean {
  try {
    return readlinkSync(path) === `socket:[${inode}]`;
  } catch {
    return false;
  }
}
