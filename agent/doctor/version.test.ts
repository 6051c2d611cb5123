import { expect, test } from "vitest";
import { RUNC_FLAWS, TOOLKIT_FLAWS } from "./known-flaws.ts";
import { compareVersions, flawsOf, versionIn } from "./version.ts";

const runc = (version: string) => flawsOf(version, RUNC_FLAWS)?.map(({ id }) => id);
const MASKED_PATHS = ["CVE-2025-31133", "CVE-2025-52565", "CVE-2025-52881"];

test.each([
  ["1.1.5+ds1", ["CVE-2024-21626", ...MASKED_PATHS]],
  ["1.1.12", MASKED_PATHS],
  ["1.2.7", MASKED_PATHS],
  ["1.2.8", []],
  ["1.2.10", []],
  ["1.3.0", MASKED_PATHS],
  ["v1.3.3", []],
  ["1.4.0-rc.2", MASKED_PATHS],
  ["1.4.0-rc.3", []],
  ["1.4.0~rc3+ds1", []],
  ["1.4.0", []],
  ["2.0.0", []],
])("runc %s has the flaws of its series: %j", (version, flaws) => {
  expect(runc(version)).toEqual(flaws);
});

test("a version that cannot be read has no known flaws, and is not called safe", () => {
  expect(runc("devel")).toBeUndefined();
  expect(runc("")).toBeUndefined();
});

test("flaws are mended one after the other", () => {
  const toolkit = (version: string) => flawsOf(version, TOOLKIT_FLAWS)?.length;
  expect(["1.16.1", "1.16.2", "1.17.3", "1.17.4", "1.17.7", "1.17.8", "1.18.0"].map(toolkit)).toEqual([
    4, 3, 3, 2, 2, 0, 0,
  ]);
});

test("numbers are compared as numbers, and candidates come before their version", () => {
  expect(compareVersions("1.10.0", "1.9.9")).toBeGreaterThan(0);
  expect(compareVersions("1.4.0-rc.1", "1.4.0")).toBeLessThan(0);
  expect(compareVersions("25.0", "25.0.0")).toBe(0);
});

test("a version is found in what a program prints", () => {
  expect(versionIn("NVIDIA Container Toolkit CLI version 1.17.8\ncommit: f202b80")).toBe("1.17.8");
  expect(versionIn("nothing")).toBeUndefined();
});
