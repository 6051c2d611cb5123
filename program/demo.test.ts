import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { packageRoot } from "../base/version.ts";

/** What a demo prints that cannot start. */
function failingDemo(...args: readonly string[]): Promise<string> {
  const options = { timeout: 15_000, killSignal: "SIGKILL" } as const;
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [join(packageRoot, "program/demo.ts"), "--once", ...args],
      options,
      (error, stdout, stderr) => (error?.code === 1 ? resolve(stdout + stderr) : reject(error ?? new Error(stdout))),
    );
  });
}

test("a demo that cannot start speaks of ports only if one is taken", async () => {
  const directory = await failingDemo("--data-dir", "/etc/passwd", "--http-port", "0", "--grpc-port", "0");
  expect(directory).toContain("cannot use /etc/passwd as the data directory: it is a file");
  expect(directory).toContain("demo: gpusched did not start");
  expect(directory).not.toMatch(/port\b/i);
});

test("a demo whose port is taken says which option chooses another", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  const said = await failingDemo("--http-port", String(port), "--grpc-port", "0");
  expect(said).toContain(`port ${port} on 127.0.0.1 is in use: choose another one, such as --http-port ${port + 1}`);
  expect(said).toContain("npm run demo -- ");
  server.close();
});
