/** Two minutes of what `npm run chaos` does for as long as one likes: every kind of fault that this host allows, and every check. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { hasEtcd } from "../support/etcd-cluster.ts";

const PROGRAM = join(import.meta.dirname, "chaos.ts");

async function chaos(
  signal: AbortSignal,
  ...args: readonly string[]
): Promise<{ readonly code: number | null; readonly output: string }> {
  const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ["ignore", "pipe", "pipe"], signal });
  const closed = once(child, "close") as Promise<[number | null]>;
  const [output, problems, [code]] = await Promise.all([text(child.stdout), text(child.stderr), closed]);
  return { code, output: output + problems };
}

test("nothing is lost and nothing runs twice, whatever fails", async (context) => {
  context.skip(!hasEtcd(), "etcd is not installed: apt-get install etcd-server");
  const { code, output } = await chaos(context.signal, "--minutes", "2", "--agents", "4", "--engines", "1");
  console.log(output);
  expect(code, output).toBe(0);
  expect(output).toContain("\n0 violations");
});

test("nothing is lost when the one controller stores for itself", async ({ signal }) => {
  const size = ["--minutes", "0.5", "--agents", "3", "--engines", "0", "--store", "embedded"];
  const faults = "kill-leader,stop-leader,fail-fsync,fill-disk";
  const { code, output } = await chaos(signal, ...size, "--nemesis", faults);
  console.log(output);
  expect(code, output).toBe(0);
});

test("a fault that does not exist is refused with those that do", async ({ signal }) => {
  const { code, output } = await chaos(signal, "--nemesis", "earthquake");
  expect(output).toContain("--nemesis: earthquake is none of kill-leader,");
  expect(code).toBe(2);
});
