/** Whom a job reaches from its container, on a real Docker Engine in a network of its own, with the firewall and without. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { networkOptions, tenantNetwork } from "../../agent/executor/docker/tenant-network.ts";
import type { Executor, LaunchSpec } from "../../agent/executor/executor.ts";
import { ServiceStack } from "../../base/service.ts";
import { packageRoot } from "../../base/version.ts";
import { textOf } from "../support/allocation-log.ts";
import { withSbin } from "../support/busybox-root.ts";
import { containerNameOf, DockerExecutorWorld, job, reading } from "../support/docker-executor-world.ts";
import { GREETING, METADATA, OUTSIDE, OutsideWorld, tryToReach } from "../support/outside-world.ts";

const [HOST_PORT, ORDINARY, CONTROLLER, ETCD, BLOCKED] = [7_070, 80, 9_090, 2_379, 5_432] as const;
/** When it says so, it serves. */
const SERVE = `echo ${GREETING} > /tmp/index.html && busybox httpd -p 6000 -h /tmp && echo serving && sleep 600`;

let services = new ServiceStack();
afterEach(async () => {
  await services.close();
  services = new ServiceStack();
});

interface World {
  readonly world: DockerExecutorWorld;
  readonly outside: OutsideWorld;
  readonly executor: Executor;
  outputOf(spec: LaunchSpec): Promise<string>;
}

async function start(network: "ruled" | "unruled"): Promise<World> {
  const world = services.add(await DockerExecutorWorld.start({ network }));
  const ports = { host: HOST_PORT, outside: [ORDINARY, CONTROLLER, ETCD, BLOCKED] };
  const outside = services.add(await OutsideWorld.start(world.engine.pid, ports));
  const executor = await world.executor();
  const outputOf = async (spec: LaunchSpec): Promise<string> => {
    await world.runToEnd(spec, executor);
    return await textOf(executor.readLog(spec.key, reading()));
  };
  return { world, outside, executor, outputOf };
}

/** As the unit does, in the engine's network. */
function firewall({ world }: World, ...args: string[]): string {
  const command = [process.execPath, join(packageRoot, "program/main.ts"), "firewall", ...args];
  return execFileSync("nsenter", [`--net=/proc/${world.engine.pid}/ns/net`, ...command], {
    encoding: "utf8",
    env: { ...withSbin(), RUNTIME_DIRECTORY: world.dataDir },
  });
}

/** A policy that adds a destination. */
function policyFile(): string {
  const directory = mkdtempSync(join(tmpdir(), "gpusched-policy-"));
  services.add({ close: async () => rmSync(directory, { recursive: true }) });
  writeFileSync(join(directory, "policy.yaml"), `blocked_destinations: ["198.51.100.0/24:${BLOCKED}"]\n`);
  return join(directory, "policy.yaml");
}

/** The address and gateway of a job of the tenant that serves until it is stopped. */
async function serveAs(tenantId: string, { world, executor }: World) {
  const spec = { ...job(SERVE), tenantId };
  executor.launch(spec);
  await world.log.untilRunning(spec.key);
  const output = () => textOf(executor.readLog(spec.key, reading()));
  await expect.poll(output, { timeout: 60_000 }).toBe("serving\n");
  const { NetworkSettings } = await world.engine.docker.getContainer(containerNameOf(spec.key)).inspect();
  const [network] = Object.values(NetworkSettings.Networks);
  return { spec, address: network?.IPAddress ?? "", gateway: network?.Gateway ?? "" };
}

/** What a job prints that tries to reach all of it. */
async function answersOf(it: World, tenantId: string, lines: readonly string[]): Promise<readonly string[]> {
  const output = await it.outputOf({ ...job(lines.join("\n")), tenantId });
  return output.trim().split("\n");
}

describe.each(["ruled", "unruled"] as const)("where Docker's bridges are %s", (network) => {
  test("a job reaches its tenant's jobs and the world, not another tenant's, the host, its cluster or the metadata", async () => {
    const it = await start(network);
    const [mine, theirs] = [await serveAs("mine", it), await serveAs("theirs", it)];
    const lines = [
      tryToReach("own", mine.address, 6_000),
      tryToReach("other", theirs.address, 6_000),
      tryToReach("world", OUTSIDE, ORDINARY),
      tryToReach("host", mine.gateway, HOST_PORT),
      tryToReach("metadata", METADATA, ORDINARY),
      tryToReach("controller", OUTSIDE, CONTROLLER),
      tryToReach("etcd", OUTSIDE, ETCD),
      tryToReach("database", OUTSIDE, BLOCKED),
    ];
    const before = await answersOf(it, "mine", lines);
    expect(before).toEqual([
      "own yes",
      // Without Docker's rules only the firewall keeps tenants apart.
      network === "ruled" ? "other no" : "other yes",
      ...["world", "host", "metadata", "controller", "etcd", "database"].map((name) => `${name} yes`),
    ]);

    const flags = ["--controllers", `${OUTSIDE}:${CONTROLLER}`, "--container-policy", policyFile()];
    firewall(it, ...flags);
    const refused = ["host", "metadata", "controller", "etcd", "database"].map((name) => `${name} no`);
    const expected = ["own yes", "other no", "world yes", ...refused];
    expect(await answersOf(it, "mine", lines)).toEqual(expected);
    // Loaded again over what is there, and seen from the other side.
    firewall(it, ...flags);
    const later = await answersOf(it, "theirs", [tryToReach("other", mine.address, 6_000), ...lines.slice(2)]);
    expect(later).toEqual(expected.slice(1));

    firewall(it, "--remove");
    expect(it.outside.inHost("nft", "list", "tables")).not.toContain("gpusched");
    expect(await answersOf(it, "mine", lines)).toEqual(before);
    firewall(it, "--remove");
  });
});

test("a tenant's network is there for its jobs alone, is made again when somebody removes it, and goes when they are gone", async () => {
  const { world, executor, outputOf } = await start("ruled");
  const { docker } = world.engine;
  const { ID } = (await docker.info()) as { readonly ID: string };
  const { name, bridge } = tenantNetwork("mine", ID);
  const names = async () => (await docker.listNetworks()).map(({ Name }) => Name);
  const specs = [1, 2, 3].map(() => ({ ...job("echo ran"), tenantId: "mine" }));
  expect(await Promise.all(specs.map(outputOf))).toEqual(["ran\n", "ran\n", "ran\n"]);
  expect((await names()).filter((it) => it.startsWith("gpusched-"))).toEqual([name]);
  expect(await docker.getNetwork(name).inspect()).toMatchObject({
    Driver: "bridge",
    Labels: { "gpusched.network": "mine" },
    Options: { "com.docker.network.bridge.name": bridge },
  });

  await docker.getNetwork(name).remove();
  const again = { ...job("echo again"), tenantId: "mine" };
  expect(await outputOf(again)).toBe("again\n");

  for (const { key } of [...specs, again]) await executor.release(key);
  // Its start is when it looks first.
  await world.executor({ agentId: "agent-b" });
  await expect.poll(names, { timeout: 60_000 }).not.toContain(name);
});

test("a network with the name that is somebody else's is not used", async () => {
  const { world, executor } = await start("ruled");
  const { docker } = world.engine;
  const { ID } = (await docker.info()) as { readonly ID: string };
  const wanted = tenantNetwork("mine", ID);
  const theirs = await docker.createNetwork({ ...networkOptions("mine", wanted), Labels: {} });
  const spec = { ...job("true"), tenantId: "mine" };
  const { end } = await world.runToEnd(spec, executor);
  expect(end).toMatchObject({ kind: "node", message: expect.stringContaining(`docker network rm ${wanted.name}`) });
  expect(await world.containersOf(spec.key)).toBe(0);
  await theirs.remove();
  await world.runToEnd({ ...job("true"), tenantId: "mine" }, executor);
  const { Labels } = await docker.getNetwork(wanted.name).inspect();
  expect(Labels).toEqual({ "gpusched.network": "mine" });
});
