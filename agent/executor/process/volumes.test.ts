import { mkdirSync } from "node:fs";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { VolumeRules } from "../../volumes/resolve.ts";
import { volumeProblem } from "./volumes.ts";

let directory: string;
let rules: VolumeRules;

beforeAll(async () => {
  directory = await realpath(await mkdtemp(join(tmpdir(), "gpusched-process-volumes-")));
  mkdirSync(join(directory, "data"));
  rules = { prefixes: [{ path: join(directory, "data"), writable: false }], reserved: [], user: undefined };
});

afterAll(() => rm(directory, { recursive: true, force: true }));

const problemOf = (source: string, target = source, readOnly = true) =>
  volumeProblem([{ source: join(directory, source), target: join(directory, target), readOnly }], rules);

test("a plain process has a volume where it is anyhow, if that is allowed", async () => {
  expect(await problemOf("data")).toBeUndefined();
});

test("it has none elsewhere, none that is not allowed, and none at all without a policy", async () => {
  expect(await problemOf("data", "other")).toMatch(/sees \S+data in its own place only/);
  expect(await problemOf("data", "data", false)).toMatch(/only to be read/);
  expect(await problemOf("elsewhere")).toMatch(/^this node allows no volume from/);
  expect(await volumeProblem([{ source: "/srv", target: "/srv", readOnly: true }])).toMatch(/allows no volume/);
});
