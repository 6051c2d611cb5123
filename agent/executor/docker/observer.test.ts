import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { silentLogger } from "../../../base/logger.ts";
import { ServiceStack } from "../../../base/service.ts";
import { Discards } from "./discards.ts";
import { EngineClient } from "./engine-client.ts";
import { Observer } from "./observer.ts";

const OWNER = { agentId: "agent-a", nodeName: "node-a", bootId: "boot-1" };
const LABELS = {
  "gpusched.agent": OWNER.agentId,
  "gpusched.boot": OWNER.bootId,
  "gpusched.job": "job-1",
  "gpusched.attempt": "1",
  "gpusched.rank": "0",
  "gpusched.grace-ms": "0",
};

const services = new ServiceStack();
afterEach(() => services.close());

/** An engine with one container that was created, and that an earlier agent may just be starting. */
async function recoverOn(engine: { readonly startsMeanwhile: boolean }) {
  const directory = await mkdtemp(join(tmpdir(), "gpusched-engine-"));
  services.add({ close: () => rm(directory, { recursive: true }) });
  const removals: string[] = [];
  let status = "created";
  const server = createServer((request, response) => {
    const answer = (code: number, body: unknown) =>
      response.writeHead(code, { "Content-Type": "application/json" }).end(JSON.stringify(body));
    if (request.method === "DELETE") {
      removals.push(request.url ?? "");
      if (engine.startsMeanwhile) status = "running";
      return status === "running" ? answer(409, { message: "it is running" }) : answer(204, undefined);
    }
    if (request.url?.includes("/containers/json")) return answer(200, [{ Id: "c1" }]);
    const State = { Status: status, Running: status === "running", StartedAt: "2026-01-01T00:00:00Z" };
    return answer(200, { Id: "c1", Config: { Labels: LABELS }, State, HostConfig: {} });
  });
  services.add({
    close: async () => {
      server.close();
      server.closeAllConnections();
    },
  });
  const socketPath = join(directory, "docker.sock");
  await once(server.listen(socketPath), "listening");
  const closing = AbortSignal.timeout(15_000);
  const client = new EngineClient(socketPath, closing);
  const discards = new Discards(client, silentLogger);
  const parts = { engine: client, discards, owner: OWNER, closing, log: silentLogger };
  const observer = new Observer({ ...parts, onChange: () => {}, background: () => {} });
  await observer.recover();
  return { states: observer.all().map(({ state }) => state), removals };
}

test("a container that an earlier agent had only made is removed: it never ran", async () => {
  const { states, removals } = await recoverOn({ startsMeanwhile: false });
  expect(states).toMatchObject([{ phase: "ended", startedAtMs: undefined, end: { kind: "node" } }]);
  expect(removals).toHaveLength(1);
});

test("a container that an earlier agent's start has just reached is adopted, not killed", async () => {
  const { states, removals } = await recoverOn({ startsMeanwhile: true });
  expect(states).toMatchObject([{ phase: "running" }]);
  expect(removals).toHaveLength(1);
  expect(removals[0]).not.toContain("force");
});
