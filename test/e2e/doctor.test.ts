/** `gpusched doctor`, and what a node's report has of it. */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ServiceStack } from "../../base/service.ts";
import { packageRoot } from "../../base/version.ts";
import { freePort } from "../support/free-port.ts";
import { RestClient } from "../support/rest-client.ts";
import { startRole } from "../support/role-process.ts";

interface Finding {
  readonly check: string;
  readonly severity: string;
  readonly message: string;
  readonly cure: string;
}

const UNSYNCHRONISED = {
  check: "clock-synchronised",
  severity: "warning",
  message: "the clock is not kept right, chronyc says: times in logs and of jobs will be wrong",
  cure: "systemctl enable --now systemd-timesyncd, or install chrony",
};

let services: ServiceStack;
let directory: string;

beforeEach(async () => {
  services = new ServiceStack();
  directory = await realpath(await mkdtemp(join(tmpdir(), "gpusched-doctor-")));
  services.add({ close: () => rm(directory, { recursive: true, force: true, maxRetries: 5 }) });
  // Whatever this machine has, what is told of its clock is this.
  mkdirSync(join(directory, "bin"));
  writeFileSync(join(directory, "bin/chronyc"), "#!/bin/sh\necho 'Leap status     : Not synchronised'\n");
  chmodSync(join(directory, "bin/chronyc"), 0o755);
  vi.stubEnv("PATH", `${join(directory, "bin")}:${process.env["PATH"]}`);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await services.close();
});

function doctor(...args: string[]): {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
} {
  const given = ["doctor", "--data-dir", join(directory, "agent"), "--simulate-gpus", "1", ...args];
  return spawnSync(join(packageRoot, "bin/gpusched"), given, { encoding: "utf8" });
}

test("the doctor ends with 1 when something is an error, and says the same in both forms", async () => {
  const nobody = `127.0.0.1:${await freePort()}`;
  const options = ["--executor", "process", "--controllers", nobody];
  const table = doctor(...options);
  expect(table.status).toBe(1);
  expect(table.stdout).toMatch(
    /^error {4}controllers +no controller is reached: .* \(nobody listens there\)\n +cure: /,
  );
  expect(table.stdout).toMatch(/^ok {7}gpu-driver, /m);
  expect(table.stdout).toMatch(/: 1 error, \d+ warnings?.*, \d+ well\n$/);
  const json = doctor(...options, "-o", "json");
  expect(json.status).toBe(1);
  const { findings } = JSON.parse(json.stdout) as { findings: readonly Finding[] };
  expect(findings).toContainEqual(UNSYNCHRONISED);
  expect(findings.filter(({ severity }) => severity === "error").map(({ check }) => check)).toEqual(["controllers"]);
});

test("the doctor reads the agent's file, passes over what is not its own, and refuses what nobody knows", () => {
  const file = join(directory, "agent.yaml");
  writeFileSync(file, "executor: docker\ndocker-socket: /nowhere/docker.sock\nlabels:\n  zone: a\n");
  const { status, stdout } = doctor("--config", file);
  expect(status).toBe(1);
  expect(stdout).toContain("there is no Docker at /nowhere/docker.sock");
  writeFileSync(file, "colour: red\n");
  expect(doctor("--config", file)).toMatchObject({ status: 2, stdout: "" });
});

test("a node tells what is to be mended about its host", async () => {
  const controllers = `127.0.0.1:${await freePort()}`;
  services.add(startRole("controller", "--listen", controllers, "--data-dir", join(directory, "controller")));
  const gateway = services.add(startRole("gateway", "--listen", "127.0.0.1:0", "--controllers", controllers));
  const here = ["--node-name", "node-1", "--data-dir", join(directory, "agent"), "--heartbeat", "200ms"];
  const what = ["--executor", "process", "--simulate-gpus", "1", "--controllers", controllers];
  services.add(startRole("agent", ...here, ...what));
  const { address } = await gateway.untilLogged("gateway listens");
  const rest = new RestClient(`http://${String(address)}`);
  const findings = async () => {
    const answer = await rest.ask("GET", "/nodes/node-1");
    return answer?.status === 200 ? (JSON.parse(answer.text) as { findings: readonly Finding[] }).findings : [];
  };
  await expect.poll(findings, { timeout: 60_000, interval: 50 }).toContainEqual(UNSYNCHRONISED);
  expect((await findings()).filter(({ severity }) => severity !== "warning" && severity !== "error")).toEqual([]);
});
