/** Registries that ask who pulls, with a real Docker Engine in between. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { createLogger } from "../../base/logger.ts";
import { launchSpec } from "../support/allocation-log.ts";
import { DockerExecutorWorld, IMAGE_SETTINGS } from "../support/docker-executor-world.ts";
import { FakeRegistry, type RegistryGuard } from "../support/fake-registry.ts";

const SECRET = "s3cret/word+1";
let world: DockerExecutorWorld;
let directory: string;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "gpusched-auth-"));
  world = await DockerExecutorWorld.start({});
});

afterAll(async () => {
  await world?.close();
  rmSync(directory, { recursive: true });
});

async function guarded(guard: RegistryGuard): Promise<FakeRegistry> {
  const registry = await FakeRegistry.start(guard);
  onTestFinished(() => registry.close());
  return registry;
}

function fileWith(auths: object): string {
  const file = join(mkdtempSync(join(directory, "file-")), "auth.json");
  writeFileSync(file, JSON.stringify({ auths }), { mode: 0o600 });
  return file;
}

/** Runs the repository `app` to its end; all that was said meanwhile must not have the secret. */
async function run(registry: FakeRegistry, registryAuth: string | undefined, repository = "app") {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const log = createLogger({ level: "debug", format: "json", destination });
  const executor = await world.executor({ log, images: { ...IMAGE_SETTINGS, registryAuth } });
  const spec = launchSpec({ image: registry.image(repository) });
  const { end } = await world.runToEnd(spec, executor);
  await executor.close();
  const said = JSON.stringify([lines, world.log.of(spec.key)]);
  for (const secret of [SECRET, Buffer.from(`cat:${SECRET}`).toString("base64"), "identity-1"]) {
    expect(said).not.toContain(secret);
  }
  return end;
}

test.each(["basic", "bearer"] as const)(
  "a registry with %s authentication lets in who has its password",
  async (kind) => {
    const registry = await guarded({ kind, username: "cat", password: SECRET });
    const auth = Buffer.from(`cat:${SECRET}`).toString("base64");
    const file = fileWith({ "other.example": { auth: "eDp5" }, [registry.host]: { auth } });
    expect(await run(registry, file)).toMatchObject({ kind: "exited", exitCode: 0 });
  },
);

test("a registry lets in who has its identity token", async () => {
  const registry = await guarded({ kind: "identity", token: "identity-1" });
  const file = fileWith({ [`http://${registry.host}/v2/`]: { auth: "Og==", identitytoken: "identity-1" } });
  expect(await run(registry, file)).toMatchObject({ kind: "exited", exitCode: 0 });
});

test("who has no credentials, or wrong ones, is told what to do", async () => {
  const registry = await guarded({ kind: "basic", username: "cat", password: SECRET });
  expect(await run(registry, undefined)).toEqual({
    kind: "bad-request",
    message: expect.stringContaining(`the node needs credentials for ${registry.host} (--registry-auth)`),
  });
  const file = fileWith({ [registry.host]: { username: "cat", password: `${SECRET}-old` } });
  expect(await run(registry, file)).toMatchObject({
    message: expect.stringMatching(/the credentials that this node has for|does not accept the credentials/),
  });
  writeFileSync(file, JSON.stringify({ auths: { [registry.host]: { username: "cat", password: SECRET } } }));
  expect(await run(registry, file, "app2")).toMatchObject({ kind: "exited", exitCode: 0 });
});

test("a file that others may read is not used, and the job is told so", async () => {
  const registry = await guarded({ kind: "basic", username: "cat", password: SECRET });
  const file = fileWith({ [registry.host]: { username: "cat", password: SECRET } });
  chmodSync(file, 0o644);
  expect(await run(registry, file)).toEqual({
    kind: "node",
    message: expect.stringContaining("this node's credentials cannot be used"),
  });
});
