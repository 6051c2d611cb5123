import { afterEach, expect, test } from "vitest";
import { silentLogger } from "../../base/logger.ts";
import { Doctor, type DoctorOptions } from "./doctor.ts";
import { error, type Finding, ok, unknown, warning } from "./finding.ts";

const READY = { ready: true, message: "" };
const UNSAFE = error("runc-version", "runc 1.1.5 lets a container reach the host", "install a newer one");

let doctor: Doctor | undefined;
afterEach(() => doctor?.close());

async function examined(findings: readonly Finding[], options: Partial<DoctorOptions> = {}): Promise<Doctor> {
  const done = Promise.withResolvers<void>();
  const examine = () => {
    setImmediate(done.resolve);
    return Promise.resolve(findings);
  };
  doctor = new Doctor({ requireSafeVersions: false, examine, log: silentLogger, ...options });
  await done.promise;
  return doctor;
}

test("the node's report has what is to be mended, and nothing else", async () => {
  const late = warning("docker-live-restore", "live-restore is off", "switch it on");
  const { findings } = await examined([ok("gpu-driver", "well"), late, unknown("permissions", "not seen"), UNSAFE]);
  expect(findings).toEqual([late, UNSAFE]);
});

test("unsafe versions keep jobs away only where that is asked for", async () => {
  expect((await examined([UNSAFE])).judge(READY)).toEqual(READY);
  await doctor?.close();
  expect((await examined([UNSAFE], { requireSafeVersions: true })).judge(READY)).toEqual({
    ready: false,
    message: "runc 1.1.5 lets a container reach the host (--require-safe-versions)",
  });
});

test("where versions must be safe, other findings keep no jobs away, and an executor's own trouble is told first", async () => {
  const others = [error("controllers", "none", "start one"), warning("docker-version", "old", "newer")];
  const strict = await examined(others, { requireSafeVersions: true });
  expect(strict.judge(READY)).toEqual(READY);
  const down = { ready: false, message: "Docker does not answer" };
  expect(strict.judge(down)).toEqual(down);
});

test("before the first examination nothing is known to be safe, and a hanging one does not keep the agent from closing", async () => {
  doctor = new Doctor({ requireSafeVersions: true, examine: () => new Promise(() => {}), log: silentLogger });
  expect(doctor.judge(READY).ready).toBe(false);
  expect(doctor.findings).toEqual([]);
  await doctor.close();
});

test("a failed examination leaves what was known", async () => {
  doctor = new Doctor({
    requireSafeVersions: false,
    examine: () => Promise.reject(new Error("no")),
    log: silentLogger,
  });
  expect(doctor.findings).toEqual([]);
});
