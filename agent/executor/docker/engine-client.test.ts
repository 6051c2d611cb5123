import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import util from "node:util";
import { expect, test, vi } from "vitest";
import { EngineClient } from "./engine-client.ts";

const CALLS = 20;

test("a call costs the same however many others are in progress", async () => {
  const directory = await mkdtemp(join(tmpdir(), "gpusched-engine-"));
  const socketPath = join(directory, "docker.sock");
  // dockerode's transport renders the options of each call, whether anybody reads that or not.
  const rendered = vi.spyOn(util, "inspect");
  const waiting: ServerResponse[] = [];
  const server = createServer((_, response) => {
    waiting.push(response);
    if (waiting.length === CALLS) for (const each of waiting) each.end("OK");
  });
  try {
    await once(server.listen(socketPath), "listening");
    const engine = new EngineClient(socketPath, new AbortController().signal);
    await Promise.all(Array.from({ length: CALLS }, () => engine.ping()));
    const sizes = rendered.mock.results.map(({ value }) => String(value).length);
    expect(sizes).toHaveLength(CALLS);
    expect(Math.max(...sizes)).toBeLessThan(2_000);
  } finally {
    rendered.mockRestore();
    server.closeAllConnections();
    server.close();
    await rm(directory, { recursive: true });
  }
});
