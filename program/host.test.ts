import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { requireFreePort } from "./free-port.ts";
import { chooseExecutor } from "./host.ts";

let directory: string;
let socket: string;
const servers: Server[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "gpusched-host-"));
  socket = join(directory, "docker.sock");
});
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
  await rm(directory, { recursive: true });
});

/** Something that answers where Docker should; a status of 0 never answers. */
async function serveSocket(status: number): Promise<void> {
  const server = createServer((request, response) => {
    if (status > 0) response.writeHead(request.url === "/_ping" ? status : 404).end();
  });
  servers.push(server);
  server.listen(socket);
  await once(server, "listening");
}

test("Docker runs jobs where it answers", async () => {
  await serveSocket(200);
  expect(await chooseExecutor(undefined, socket)).toEqual({ name: "docker" });
});

test.each([
  ["is missing", undefined],
  ["answers with an error", 500],
  ["never answers", 0],
])("processes run jobs where Docker %s, and a sentence says so", async (_, status) => {
  if (status !== undefined) await serveSocket(status);
  const executor = await chooseExecutor(undefined, socket);
  expect(executor).toEqual({ name: "process", note: expect.stringContaining(socket) });
});

test("the executor that was asked for is taken without a look at Docker", async () => {
  expect(await chooseExecutor("docker", socket)).toEqual({ name: "docker" });
});

test("a port that is taken is refused with the flag that chooses another", async () => {
  const server = createTcpServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  await expect(requireFreePort("127.0.0.1", port, "--http-port")).rejects.toThrow(
    `port ${port} on 127.0.0.1 is in use: choose another one, such as --http-port ${port + 1}`,
  );
  server.close();
  await once(server, "close");
  await expect(requireFreePort("127.0.0.1", port, "--http-port")).resolves.toBeUndefined();
});
