import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { UsageError } from "../base/options.ts";
import { ExitCode } from "./exit-code.ts";
import { nodeCommand } from "./node.ts";

let server: Server;
let url: string;
let said: string[];
/** The path and body of every request, and what it is answered. */
let requests: { path: string | undefined; body: unknown }[];
let answer: { status: number; body: string };

beforeEach(async () => {
  said = [];
  requests = [];
  answer = { status: 200, body: JSON.stringify({ node: {}, job_ids: [] }) };
  vi.spyOn(console, "log").mockImplementation((line) => void said.push(String(line)));
  vi.spyOn(console, "error").mockImplementation((line) => void said.push(String(line)));
  server = createServer((request, response) => {
    void text(request).then((body) => {
      requests.push({ path: request.url, body: JSON.parse(body) });
      response.writeHead(answer.status, { "Content-Type": "application/json" }).end(answer.body);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  vi.restoreAllMocks();
  server.closeAllConnections();
  server.close();
});

const run = (...args: string[]) => nodeCommand.run({ args, environment: { GPUSCHED_URL: url } });

test("a drain says how many jobs are still there, or that there is none", async () => {
  expect(await run("drain", "node-1", "--deadline", "1500ms", "--by", "ann")).toBe(ExitCode.success);
  answer = { status: 200, body: JSON.stringify({ node: {}, job_ids: ["job-1", "job-2"] }) };
  expect(await run("drain", "node-1", "--deadline", "0", "--by", "ann")).toBe(ExitCode.success);
  expect(said).toEqual(["node node-1 is drained: no job is on it", "node node-1 is being drained: 2 jobs still on it"]);
  expect(requests).toEqual([
    { path: "/api/v1/nodes/node-1/drain", body: { by: "ann", deadline_seconds: 2 } },
    { path: "/api/v1/nodes/node-1/drain", body: { by: "ann", deadline_seconds: 0 } },
  ]);
});

test.each([
  [404, { error: "Node not found" }, ExitCode.notFound, "gpusched: Node not found"],
  [409, { error: "it may have been heard" }, ExitCode.conflict, "gpusched: it may have been heard"],
  [503, { error: "nobody leads" }, ExitCode.unavailable, "gpusched: nobody leads"],
  [507, { error: "no room" }, ExitCode.failure, "gpusched: no room"],
])("an answer of %s ends with a code of its own", async (status, body, code, line) => {
  answer = { status, body: JSON.stringify(body) };
  expect(await run("cordon", "node-1")).toBe(code);
  expect(said).toEqual([line]);
});

test("an address where there is no gateway is not taken for a node that is not there", async () => {
  answer = { status: 404, body: JSON.stringify({ error: "Not found" }) };
  expect(await run("uncordon", "node-1", "--url", `${url}/api/v1`)).toBe(ExitCode.failure);
  answer = { status: 404, body: "<html>" };
  expect(await run("uncordon", "node-1")).toBe(ExitCode.failure);
  answer = { status: 200, body: "null" };
  expect(await run("uncordon", "node-1")).toBe(ExitCode.failure);
  expect(said).toEqual([
    `gpusched: ${url}/api/v1/api/v1/nodes/node-1/uncordon answers 404: Not found: is --url that of a gateway?`,
    `gpusched: ${url}/api/v1/nodes/node-1/uncordon answers 404: is --url that of a gateway?`,
    `gpusched: ${url}/api/v1/nodes/node-1/uncordon answers 200: is --url that of a gateway?`,
  ]);
});

test.each([
  [["cordon", ""], `"" is no node's name`],
  [["cordon", "a b"], `"a b" is no node's name`],
  [["drain", ".."], `".." is no node's name`],
  [["drain", "../jobs"], `"../jobs" is no node's name`],
  [["cordon", "node-1", "--url", "ftp://host"], '--url: "ftp://host" is no http:// or https:// URL'],
  [["cordon", "node-1", "--url", "host:8080"], '--url: "host:8080" is no http:// or https:// URL'],
  [["drain", "node-1", "--deadline=-5"], `--deadline: "-5" is no duration such as 0s, 15m or 1h30m`],
])("%j is refused before anybody is asked", async (args, message) => {
  await expect(run(...args)).rejects.toThrow(new UsageError(message));
  expect(requests).toEqual([]);
});
