import { chmodSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { seesAll } from "./mounted.ts";
import { isUnchanged, resolveVolumes, VolumeRefusal, type VolumeRules } from "./resolve.ts";
import { walk } from "./walk.ts";

let directory: string;
let rules: VolumeRules;
const at = (name: string) => join(directory, name);

beforeAll(async () => {
  directory = await realpath(await mkdtemp(join(tmpdir(), "gpusched-resolve-")));
  for (const name of ["data/deep", "out", "open/in", "own", "beside"]) mkdirSync(at(name), { recursive: true });
  writeFileSync(at("data/file"), "x");
  symlinkSync("deep", at("data/inside"));
  symlinkSync("../beside", at("data/outside"));
  symlinkSync("data", at("alias"));
  chmodSync(at("open"), 0o777);
  rules = {
    prefixes: [
      { path: at("data"), writable: false },
      { path: at("alias"), writable: false },
      { path: at("out"), writable: true },
      { path: at("open"), writable: true },
      { path: at("own"), writable: false },
    ],
    reserved: [at("own/agent")],
    user: { uid: 65_534, gid: 65_534 },
  };
});

afterAll(() => rm(directory, { recursive: true, force: true }));

const resolve = async (source: string, readOnly = true) =>
  (await resolveVolumes([{ source: at(source), target: "/mnt/data", readOnly }], rules))[0];

test.each([
  ["data", "data"],
  ["data/deep", "data/deep"],
  ["data/file", "data/file"],
  ["data/inside", "data/deep"],
  ["alias", "data"],
  ["alias/deep", "data/deep"],
  ["open", "open"],
])("%s is %s, and may be given", async (source, real) => {
  expect(await resolve(source)).toMatchObject({ source: at(real), asked: at(source), readOnly: true });
});

test.each([
  ["beside", "this node allows no volume from"],
  ["data/outside", "which is"],
  ["data/nothing", "there is no"],
  ["data/file/x", "is no directory"],
  ["own", "lies in it"],
  ["own/agent/x", "there is no"],
  ["open/in", "jobs can change what lies in"],
])("%s is not given", async (source, message) => {
  const refusal = await resolve(source).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(VolumeRefusal);
  expect(String(refusal)).toContain(message);
});

test("writing must be allowed where it is asked, and where it really is", async () => {
  expect(await resolve("out", false)).toMatchObject({ readOnly: false });
  await expect(resolve("data", false)).rejects.toThrow("only to be read");
  symlinkSync("../data", at("out/to-data"));
  await expect(resolve("out/to-data", false)).rejects.toThrow("only to be read");
});

test("where jobs may be anybody, what lies in a writable place is not given by itself", async () => {
  mkdirSync(at("out/part"));
  expect(await resolve("out/part")).toBeDefined();
  const anybody = { ...rules, user: undefined };
  const volumes = [{ source: at("out/part"), target: "/m", readOnly: true }];
  await expect(resolveVolumes(volumes, anybody)).rejects.toThrow("jobs can change what lies in");
});

test("what is swapped afterwards is noticed, whatever it is now", async () => {
  mkdirSync(at("data/swapped"));
  const volume = await resolve("data/swapped");
  if (!volume) throw new Error("one was asked for");
  expect(await isUnchanged(volume)).toBe(true);
  renameSync(at("data/swapped"), at("data/before"));
  expect(await isUnchanged(volume)).toBe(false);
  mkdirSync(at("data/swapped"));
  expect(await isUnchanged(volume)).toBe(false);
  await rm(at("data/swapped"), { recursive: true });
  symlinkSync("before", at("data/swapped"));
  expect(await isUnchanged(volume)).toBe(false);
});

test("a walk follows no link, and gives every part on its way", async () => {
  expect((await walk(at("data/deep"))).slice(-2).map(({ path }) => path)).toEqual([at("data"), at("data/deep")]);
  await expect(walk(at("data/inside"))).rejects.toMatchObject({ code: "ELOOP" });
  await expect(walk(at("alias/deep"))).rejects.toMatchObject({ code: "ELOOP" });
});

test("what a process sees is told by its mounts; of one that is not there nothing can be told", async () => {
  expect(await seesAll(process.pid, ["/proc"])).toBe(true);
  expect(await seesAll(process.pid, ["/proc", "/proc"])).toBe(false);
  expect(await seesAll(process.pid, [at("data")])).toBe(false);
  expect(await seesAll(2 ** 22 + 1, ["/proc"])).toBeUndefined();
});
