/** The units as systemd itself judges them. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { packageRoot } from "../../base/version.ts";

const UNITS = join(packageRoot, "systemd");
/** 0 is fully confined, 10 is not at all. */
const MOST_EXPOSURE = { controller: 1.3, gateway: 1.2, agent: 1.8, guard: 1.3, firewall: 1.6 } as const;
const UNITS_OF_OURS = Object.keys(MOST_EXPOSURE) as (keyof typeof MOST_EXPOSURE)[];
/** Those that stay. */
const ROLES = UNITS_OF_OURS.filter((name) => name !== "firewall");

let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "gpusched-units-"));
  // The program that the units name is wherever this checkout is.
  for (const role of UNITS_OF_OURS)
    writeFileSync(pathOf(role), unit(role).replaceAll("/usr/bin/", `${packageRoot}/bin/`));
});
afterAll(() => rmSync(directory, { recursive: true }));

function unit(role: string): string {
  return readFileSync(join(UNITS, `gpusched-${role}.service`), "utf8");
}

function pathOf(role: string): string {
  return join(directory, `gpusched-${role}.service`);
}

function complaints(): string {
  const units = UNITS_OF_OURS.map(pathOf);
  const { stdout, stderr } = spawnSync("systemd-analyze", ["verify", "--man=no", ...units], { encoding: "utf8" });
  // Units of the host that ours stand after are read too, and are not ours to mend.
  const ours = `${stdout}${stderr}`.split("\n").filter((line) => line.includes("gpusched"));
  return ours.join("\n");
}

function exposure(role: string): number {
  const args = ["security", "--offline=true", "--no-pager", pathOf(role)];
  const text = execFileSync("systemd-analyze", args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  return Number(/Overall exposure level for \S+: (\d+\.\d+)/.exec(text)?.[1]);
}

test("systemd finds nothing wrong with the units", () => {
  expect(complaints()).toBe("");
});

test("systemd finds nothing wrong with the drop-in for plain processes, and complains where there is something", () => {
  const dropIns = `${pathOf("agent")}.d`;
  mkdirSync(dropIns);
  writeFileSync(join(dropIns, "processes.conf"), readFileSync(join(UNITS, "gpusched-agent-processes.conf")));
  expect(complaints()).toBe("");
  writeFileSync(join(dropIns, "processes.conf"), "[Service]\nKillMod=process\n");
  expect(complaints()).toContain("KillMod");
  rmSync(dropIns, { recursive: true });
});

test.each(UNITS_OF_OURS)("the %s is confined", (role) => {
  expect(exposure(role)).toBeLessThanOrEqual(MOST_EXPOSURE[role]);
});

describe("what no tool checks", () => {
  test.each(ROLES)("the %s runs under the account that its package makes", (role) => {
    const account = /^User=(.+)$/m.exec(unit(role))?.[1];
    const maker = role === "guard" ? "agent" : role;
    const accounts = readFileSync(join(UNITS, `sysusers.d/gpusched-${maker}.conf`), "utf8");
    expect(accounts).toMatch(new RegExp(`^u ${account} `, "m"));
  });

  test("only the agent itself is signalled when it stops: jobs as plain processes are in its control group", () => {
    expect(unit("agent")).toMatch(/^KillMode=process$/m);
  });

  test("the firewall stands before the agent starts, goes when it is stopped, and has one right", () => {
    const lines = unit("firewall").split("\n");
    for (const line of ["Type=oneshot", "RemainAfterExit=yes", "Before=gpusched-agent.service", "DynamicUser=yes"]) {
      expect(lines).toContain(line);
    }
    expect(lines).toContain("ExecStop=/usr/bin/gpusched firewall --remove");
    expect(lines).toContain("CapabilityBoundingSet=CAP_NET_ADMIN");
    expect(unit("agent")).toMatch(/^Wants=.*gpusched-firewall\.service/m);
  });

  test.each(ROLES)("the %s is started again however it ends, and is watched", (role) => {
    for (const line of ["Type=notify", "Restart=always", "StartLimitIntervalSec=0"]) {
      expect(unit(role).split("\n")).toContain(line);
    }
    expect(unit(role)).toMatch(/^WatchdogSec=\d+$/m);
  });
});
