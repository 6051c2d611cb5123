/** The Debian packages, and that they are installed, upgraded and removed as they should, under a systemd of their own. */
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { present } from "../../base/assert.ts";
import { version } from "../../base/version.ts";
import { type BootedRoot, bootRoot, tryTo, unpackRoot } from "../support/debian-root.ts";
import { buildPackages, laterVersion } from "../support/packages.ts";

const ROLES = ["controller", "gateway", "agent"] as const;
const UNITS = ROLES.map((role) => `gpusched-${role}.service`);
const NEXT = `${version}.99`;
const patience = { timeout: 100_000, interval: 250 };

let directory: string;
let first: string;
let names: readonly string[];

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "gpusched-packages-"));
  first = join(directory, "first");
  const second = join(directory, "second");
  [names] = await Promise.all([buildPackages(first), buildPackages(second)]);
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function hashes(folder: string): string[] {
  return names.map((name) =>
    createHash("sha256")
      .update(readFileSync(join(directory, folder, name)))
      .digest("hex"),
  );
}

test("there is a package for the program, and one for each role that is a service", () => {
  expect(names.map((name) => name.split("_")[0])).toEqual([
    "gpusched-agent",
    "gpusched-controller",
    "gpusched-gateway",
    "gpusched",
  ]);
});

test("they are the same, byte for byte, whenever they are made", () => {
  expect(hashes("second")).toEqual(hashes("first"));
});

test("Debian's checker has nothing to say", () => {
  const changes = names.map((name) => join(first, name));
  // Only those of tests are not compressed.
  const quick = "uses-no-compression-for-control-tarball,uses-no-compression-for-data-tarball";
  const flags = ["--allow-root", "--tag-display-limit", "0", "--fail-on", "error,warning", "--suppress-tags", quick];
  const { status, stdout, stderr } = spawnSync("lintian", [...flags, ...changes], { encoding: "utf8" });
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: "", stderr: "" });
});

describe("in a system of its own", () => {
  let root: string | undefined;
  let system: BootedRoot | undefined;
  let reason: string | undefined;

  beforeAll(async () => {
    const unpacked = await tryTo(() => unpackRoot());
    root = unpacked.startsWith("/") ? unpacked : undefined;
    const booted = root === undefined ? unpacked : await tryTo(() => bootRoot(present(root, "the root")));
    if (typeof booted === "string") reason = booted;
    else system = booted;
    if (root !== undefined) cpSync(first, join(root, "packages/first"), { recursive: true });
  });
  afterAll(async () => {
    await system?.close();
    if (root !== undefined) rmSync(root, { recursive: true, force: true });
  });

  /** One test, because each step begins where the one before has ended. */
  test("they are installed, serve, are upgraded without touching a job, and leave nothing behind", async (context) => {
    if (system === undefined || root === undefined) {
      console.log(`the packages are not installed anywhere: ${reason}`);
      return context.skip(reason);
    }
    const host = new PackagedHost(system, root);
    host.install("first");
    await host.expectServing("gpusched-controller.service", "leads in term 1");
    await host.expectServing("gpusched-gateway.service", "serves on 127.0.0.1:8080");
    expect(host.run("systemd-analyze", "verify", ...UNITS.map((unit) => `/lib/systemd/system/${unit}`))).toBe("");
    expect(host.run("man", "--where", "gpusched", "gpusched-agent")).toMatch(/gpusched\.1.*\n.*gpusched-agent\.8/);

    host.expectFirewall();

    host.runProcesses();
    await host.expectServing("gpusched-agent.service", "2 GPUs, 0 jobs; works for 127.0.0.1:9090");
    await host.expectServing("gpusched-guard.service", "watches the agent's lease");
    const job = await host.startJob("job");
    host.run("systemctl", "restart", "gpusched-agent");
    await host.expectServing("gpusched-agent.service", "2 GPUs, 1 job; works for 127.0.0.1:9090");
    host.signal("gpusched-gateway.service", "STOP");
    await host.expectRestarts("gpusched-gateway.service");

    const reloads = host.reloads();
    const before = host.pids();
    host.upgrade(directory, first, names);
    await host.expectServing("gpusched-agent.service", "2 GPUs, 1 job; works for 127.0.0.1:9090");
    await host.expectServing("gpusched-controller.service", "leads in term 2");
    expect(host.pids().filter((pid) => before.includes(pid))).toEqual([]);
    expect(host.reloads()).toBe(reloads);
    expect(host.job(job.id)).toMatchObject({ state: "running" });
    host.run("touch", job.go);
    await expect.poll(() => host.job(job.id), patience).toMatchObject({ state: "failed", exit_code: 7 });

    host.upgradeUnit(directory, first);
    expect(host.reloads()).toBe(reloads + 1);
    expect(host.property("gpusched-agent.service", "LimitNOFILE")).toBe("65537");

    host.expectFirewall();
    const left = await host.startJob("left");
    host.run("dpkg", "--remove", ...ROLES.map((role) => `gpusched-${role}`));
    expect(host.isAlive(left.pid)).toBe(true);
    expect(host.run("nft", "list", "tables")).toBe("");
    expect(host.run("systemctl", "list-units", "--no-legend", "--state=active", "gpusched-*")).toBe("");
    host.run("dpkg", "--purge", ...ROLES.map((role) => `gpusched-${role}`), "gpusched");
    await expect.poll(() => host.isAlive(left.pid), patience).toBe(false);
    host.run("rm", "-r", "/etc/systemd/system/gpusched-agent.service.d");
    expect(host.leftovers()).toEqual([]);
  });
});

/** A host on which the packages are, as its administrator sees it. */
class PackagedHost {
  readonly #system: BootedRoot;
  readonly #root: string;

  constructor(system: BootedRoot, root: string) {
    this.#system = system;
    this.#root = root;
  }

  run(command: string, ...args: readonly string[]): string {
    return this.#system.run(command, ...args);
  }

  install(folder: string): void {
    this.run("sh", "-c", `DEBIAN_FRONTEND=noninteractive dpkg --install /packages/${folder}/*.deb 2>&1`);
  }

  property(unit: string, name: string): string {
    return this.run("systemctl", "show", "--value", "--property", name, unit).trim();
  }

  async expectServing(unit: string, status: string): Promise<void> {
    const look = () => [this.property(unit, "ActiveState"), this.property(unit, "StatusText")];
    await expect.poll(look, patience).toEqual(["active", status]);
  }

  /** The rules are loaded, and the agent can read that they are. */
  expectFirewall(): void {
    const said = this.run("journalctl", "--no-pager", "--output=cat", "--unit=gpusched-firewall.service");
    expect(this.property("gpusched-firewall.service", "ActiveState"), said).toBe("active");
    expect(this.run("nft", "list", "tables")).toBe("table inet gpusched\n");
    const read = ["setpriv", "--reuid=gpusched-agent", "--clear-groups", "--regid=gpusched-agent", "cat"] as const;
    expect(JSON.parse(this.run(...read, "/run/gpusched-firewall/loaded.json"))).toMatchObject({ network: "tenant" });
  }

  signal(unit: string, signal: string): void {
    this.run("systemctl", "kill", "--kill-whom=main", `--signal=SIG${signal}`, unit);
  }

  async expectRestarts(unit: string): Promise<void> {
    await expect.poll(() => Number(this.property(unit, "NRestarts")), patience).toBeGreaterThan(0);
    await this.expectServing(unit, "serves on 127.0.0.1:8080");
  }

  pids(): string[] {
    return UNITS.map((unit) => this.property(unit, "MainPID"));
  }

  /** How often systemd has read its units anew. */
  reloads(): number {
    return this.run("journalctl", "--no-pager", "--output=cat", "_PID=1").split("\nReloading.").length;
  }

  /** Has the agent run plain processes, as the documentation says. */
  runProcesses(): void {
    const folder = "/etc/systemd/system/gpusched-agent.service.d";
    const settings = "data-dir: /var/lib/gpusched-agent\\nexecutor: process\\nsimulate-gpus: 2\\n";
    this.run("mkdir", folder);
    this.run("cp", "/usr/share/doc/gpusched-agent/examples/processes.conf", folder);
    this.run("sh", "-c", `printf '${settings}' > /etc/gpusched/agent.yaml`);
    this.run("systemctl", "daemon-reload");
    this.run("systemctl", "restart", "gpusched-agent", "gpusched-guard");
  }

  #rest(path: string, body?: unknown): Record<string, unknown> {
    const post = body === undefined ? [] : ["-H", "Content-Type: application/json", "-d", JSON.stringify(body)];
    const output = this.#system.inNetwork("curl", "-sS", ...post, `http://127.0.0.1:8080/api/v1/${path}`);
    return JSON.parse(output) as Record<string, unknown>;
  }

  /** A job that runs until a file is there. */
  async startJob(name: string): Promise<{ id: string; pid: string; go: string }> {
    const go = `/var/lib/gpusched-agent/${name}.go`;
    const script = `echo $$ > /tmp/${name}.pid; while [ ! -e ${go} ]; do sleep 0.2; done; exit 7`;
    const limits = { max_gpus: 2, max_cpu_cores: 8, max_memory_mb: 8_000, priority_tier: "high" };
    const tenant = this.#rest("tenants", { name, ...limits });
    const needs = { gpu_count: 1, gpu_memory_mb: 1_000, cpu_cores: 1, memory_mb: 100 };
    const answer = this.#rest("jobs", { tenant_id: tenant["id"], name, priority: 1, ...needs, script });
    const id = String(answer["job_id"]);
    await expect.poll(() => this.job(id), patience).toMatchObject({ state: "running" });
    await expect.poll(() => this.run("sh", "-c", `cat /tmp/${name}.pid || true`), patience).toMatch(/\d\n/);
    return { id, pid: this.run("cat", `/tmp/${name}.pid`).trim(), go };
  }

  job(id: string): Record<string, unknown> {
    return this.#rest(`jobs/${id}`);
  }

  isAlive(pid: string): boolean {
    return this.run("sh", "-c", `kill -0 ${pid} 2>/dev/null && echo alive || true`).trim() === "alive";
  }

  /** All of them, to a version whose units are the same. */
  upgrade(from: string, packages: string, debs: readonly string[]): void {
    const later = (text: string) => text.replaceAll(version, NEXT);
    for (const deb of debs) laterVersion(join(packages, deb), join(from, "next"), { control: later });
    cpSync(join(from, "next"), join(this.#root, "packages/next"), { recursive: true });
    this.install("next");
  }

  /** The agent, to a version with another unit. */
  upgradeUnit(from: string, packages: string): void {
    const control = (text: string) => text.replaceAll(version, NEXT).replace(/^Version: .*$/m, `Version: ${NEXT}.1`);
    const unit = (text: string) => text.replace("LimitNOFILE=65536", "LimitNOFILE=65537");
    laterVersion(join(packages, `gpusched-agent_${version}_all.deb`), join(from, "unit"), {
      control,
      file: ["lib/systemd/system/gpusched-agent.service", unit],
    });
    cpSync(join(from, "unit"), join(this.#root, "packages/unit"), { recursive: true });
    this.install("unit");
  }

  /** What is still there by its name, the accounts and the log apart. */
  leftovers(): string[] {
    const places = ["etc", "usr", "lib", "var/lib", "run", "tmp", "var/tmp"].map((name) => join(this.#root, name));
    const found = execFileSync("find", [...places, "-name", "*gpusched*"], { encoding: "utf8" });
    return found.split("\n").filter((line) => line !== "");
  }
}
