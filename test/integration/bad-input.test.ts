import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseAddress } from "../../base/address.ts";
import { present } from "../../base/assert.ts";
import { silentLogger } from "../../base/logger.ts";
import { ServiceStack } from "../../base/service.ts";
import { type Gateway, SERVER_LIMITS, type ServerLimits, startGateway } from "../../gateway/gateway.ts";
import { hostRows, slowRows } from "../support/bad-input-http.ts";
import type { BadInputRow } from "../support/bad-input-row.ts";
import { largeRows } from "../support/bad-input-later.ts";
import { badInputRows } from "../support/bad-input-rows.ts";
import { type FakeScheduler, startFakeScheduler } from "../support/fake-scheduler.ts";
import { exchange, type RawAnswer, render } from "../support/raw-http.ts";

const stack = new ServiceStack();
let fake: FakeScheduler;
let gateway: Gateway;

beforeAll(async () => {
  fake = stack.add(await startFakeScheduler());
  gateway = await start({});
});

afterAll(() => stack.close());

async function start(limits: Partial<ServerLimits>, rateLimit = 1_000_000): Promise<Gateway> {
  const controllers = [fake.address];
  return stack.add(await startGateway({ listen: "127.0.0.1:0", controllers, rateLimit, limits, log: silentLogger }));
}

function get(address: string, target: string, headers: Record<string, string> = {}): Promise<RawAnswer> {
  return exchange(address, render({ method: "GET", target, headers }));
}

async function expectHealthy(address: string): Promise<void> {
  expect((await get(address, "/api/v1/cluster/status")).status).toBe(200);
}

function expectRow(row: BadInputRow, answer: RawAnswer): void {
  expect(answer.status, answer.body).toBe(row.status);
  for (const [name, value] of Object.entries(row.headers ?? {})) expect(answer.headers.get(name)).toBe(value);
  expect(answer.body).not.toMatch(/\n\s+at |node_modules|\.ts\b|file:/);
  expect(answer.body).not.toContain(process.cwd());
  expect(answer.body, "an echo of more than 64 characters").not.toMatch(/([^\s])\1{64}/);
  expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
  if (row.status >= 400) expectError(row, answer);
}

function expectError(row: BadInputRow, answer: RawAnswer): void {
  expect(answer.headers.get("content-type")).toBe("application/json; charset=utf-8");
  const body = JSON.parse(answer.body) as { error: string; details?: { field: string; message: string }[] };
  expect(Object.keys(body)).toEqual(expect.arrayContaining(["error"]));
  expect(["error", "details", "request_id"]).toEqual(expect.arrayContaining(Object.keys(body)));
  expect(body.error).toMatch(/^\S.*\S$/);
  if (row.field === undefined) return;
  const named = [body.error, ...(body.details ?? []).map(({ field }) => field)].join("\n");
  expect(named.toLowerCase()).toContain(row.field.toLowerCase());
}

describe("bad input has its documented answer and harms nothing", () => {
  test.each([...badInputRows, ...largeRows, ...hostRows])("$name: $status", async (row) => {
    expectRow(row, await exchange(gateway.address, row.send));
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    await expectHealthy(gateway.address);
  });

  test("of all that was refused, nothing reached the scheduler", () => {
    const accepted = [...badInputRows, ...largeRows].filter(({ status }) => status === 201).length;
    expect(fake.received("SubmitJob")).toHaveLength(accepted);
    expect(fake.received("SubmitJobs")).toHaveLength(1);
    expect(fake.received("DryRunJob")).toHaveLength(1);
    expect(fake.received("CreateTenant")).toHaveLength(0);
  });
});

describe("clients that never finish", () => {
  let hurried: Gateway;
  beforeAll(async () => {
    hurried = await start({ headersTimeoutMs: 200, requestTimeoutMs: 300, checkingIntervalMs: 50 });
  });

  test.each(slowRows)("$name: $status", async (row) => {
    const answer = await exchange(hurried.address, row.send);
    expect(answer.status).toBe(row.status);
    expectRow(row, answer);
    await expectHealthy(hurried.address);
  });

  test("the limits that hold unless others are given", () => {
    expect(SERVER_LIMITS).toEqual({
      headersTimeoutMs: 10_000,
      requestTimeoutMs: 30_000,
      keepAliveTimeoutMs: 5_000,
      idleTimeoutMs: 60_000,
      checkingIntervalMs: 1_000,
      maxHeaderBytes: 16_384,
      maxConnections: 10_000,
      maxConnectionsPerClient: 1_000,
    });
  });

  test("an idle connection is closed", async () => {
    const impatient = await start({ keepAliveTimeoutMs: 50 });
    const answer = await exchange(impatient.address, ["GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"]);
    expect(answer.status).toBe(200);
  });

  test("one client cannot hold more connections than its share, and the share is given back", async () => {
    const narrow = await start({ maxConnectionsPerClient: 2 });
    const held = [await open(narrow.address), await open(narrow.address)];
    expect((await exchange(narrow.address, [""])).status).toBe(0);
    for (const socket of held) socket.destroy();
    await expect.poll(async () => (await get(narrow.address, "/health")).status, { timeout: 5_000 }).toBe(200);
  });
});

describe("more requests than the rate allows", () => {
  let strict: Gateway;
  beforeAll(async () => {
    strict = await start({}, 3);
  });

  test("are refused with the time to wait, whatever the client claims to be", async () => {
    const answers: RawAnswer[] = [];
    for (let i = 0; i < 40; i++) {
      answers.push(
        await get(strict.address, "/api/v1/jobs", { "X-Forwarded-For": `10.0.0.${i}`, Forwarded: `for=10.0.0.${i}` }),
      );
    }
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(0);
    for (const { body, headers } of refused) {
      expect(body).toBe('{"error":"Rate limit exceeded"}');
      expect(headers.get("retry-after")).toBe("1");
      expect(headers.get("ratelimit-limit")).toBe("3");
      expect(headers.get("ratelimit-remaining")).toBe("0");
      expect(headers.get("ratelimit-reset")).toBe("1");
    }
  });

  test.each(["/health", "/ready", "/metrics", "/api/v1/health", "/api/v1/ready", "/api/v1/metrics"])(
    "%s is answered all the same",
    async (path) => {
      for (let i = 0; i < 6; i++) expect((await get(strict.address, path)).status).toBe(200);
    },
  );
});

async function open(address: string): Promise<Socket> {
  const { host, port } = present(parseAddress(address), "the address");
  const socket = connect({ host, port });
  await once(socket, "connect");
  // The server has counted the connection once it has answered on it.
  socket.write("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await once(socket, "data");
  return socket;
}
