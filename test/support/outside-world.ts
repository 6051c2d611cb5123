/** What is beyond a host: a network namespace behind an engine's own, with services that a job may or may not reach. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import type { Service } from "../../base/service.ts";
import { withSbin } from "./busybox-root.ts";

/** Documentation's own addresses: nobody has them. */
const HOST = "198.51.100.1";
export const OUTSIDE = "198.51.100.2";
export const METADATA = "169.254.169.254";
export const GREETING = "reached";
const SERVE = `
  const [, , ...ports] = process.argv;
  const { createServer } = require("node:net");
  let left = ports.length;
  for (const port of ports) createServer((socket) => socket.on("error", () => {}).end("${GREETING}\\n"))
    .listen(Number(port), "0.0.0.0", () => { left -= 1; if (left === 0) console.log("ready"); });
`;

/** Services that greet whoever connects, on the host of an engine and outside of it. Closing ends them. */
export class OutsideWorld implements Service {
  readonly #enginePid: number;
  readonly #servers: ChildProcess[] = [];

  private constructor(enginePid: number) {
    this.#enginePid = enginePid;
  }

  /** @param enginePid of an engine with a network namespace of its own */
  static async start(enginePid: number, ports: { readonly host: number; readonly outside: readonly number[] }) {
    const world = new OutsideWorld(enginePid);
    try {
      await world.#serve(["nsenter", `--net=/proc/${enginePid}/ns/net`], [ports.host]);
      const outside = await world.#serve(["unshare", "--net"], ports.outside);
      world.inHost("ip", "link", "add", "outside", "type", "veth", "peer", "name", "inside", "netns", String(outside));
      world.inHost("ip", "address", "add", `${HOST}/24`, "dev", "outside");
      world.inHost("ip", "link", "set", "outside", "up");
      world.inHost("ip", "route", "add", METADATA, "dev", "outside");
      const inOutside = (...command: string[]) => enter(outside, command);
      inOutside("ip", "address", "add", `${OUTSIDE}/24`, "dev", "inside");
      inOutside("ip", "address", "add", `${METADATA}/32`, "dev", "inside");
      inOutside("ip", "link", "set", "inside", "up");
      inOutside("ip", "route", "add", "default", "via", HOST);
      return world;
    } catch (error) {
      await world.close();
      throw error;
    }
  }

  /** Runs a program in the engine's network. */
  inHost(...command: string[]): string {
    return enter(this.#enginePid, command);
  }

  async close(): Promise<void> {
    for (const server of this.#servers) {
      const ended = server.exitCode === null && server.signalCode === null ? once(server, "close") : undefined;
      server.kill("SIGKILL");
      await ended;
    }
  }

  async #serve(namespace: readonly string[], ports: readonly number[]): Promise<number> {
    const [program = "", ...args] = [...namespace, process.execPath, "-e", SERVE, "serve", ...ports.map(String)];
    const server = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"], env: withSbin() });
    this.#servers.push(server);
    const failed = once(server, "close").then(() => {
      throw new Error(`${program} ended before its services were there`);
    });
    await Promise.race([once(server.stdout, "data"), failed]);
    failed.catch(() => undefined);
    return server.pid ?? 0;
  }
}

function enter(pid: number, command: readonly string[]): string {
  const args = [`--net=/proc/${pid}/ns/net`, ...command];
  return execFileSync("nsenter", args, { encoding: "utf8", env: withSbin(), stdio: ["ignore", "pipe", "pipe"] });
}

/** A line of a job's script that says whether somebody greets at the address: `NAME yes` or `NAME no`. */
export function tryToReach(name: string, address: string, port: number): string {
  const answer = `printf 'GET / HTTP/1.0\\r\\n\\r\\n' | busybox nc -w 2 ${address} ${port} 2>/dev/null`;
  return `if ${answer} | grep -q ${GREETING}; then echo "${name} yes"; else echo "${name} no"; fi`;
}
