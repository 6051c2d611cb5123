import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { registryOf } from "./image-name.ts";
import { authFor, parseRegistryAuths, RegistryAuthError, readRegistryAuths, withoutSecrets } from "./registry-auth.ts";

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const auths = (content: object) => parseRegistryAuths("/etc/auth.json", JSON.stringify({ auths: content }));

function fileWith(content: string, mode = 0o600): string {
  const directory = mkdtempSync(join(tmpdir(), "gpusched-auth-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const file = join(directory, "auth.json");
  writeFileSync(file, content);
  chmodSync(file, mode);
  return file;
}

test.each([
  ["busybox", "docker.io"],
  ["team/app:1", "docker.io"],
  ["docker.io/library/busybox", "docker.io"],
  ["index.docker.io/team/app", "docker.io"],
  ["ghcr.io/team/app@sha256:00", "ghcr.io"],
  ["registry.example:5000/app", "registry.example:5000"],
  ["localhost/app", "localhost"],
  ["busybox:1.36", "docker.io"],
])("the registry of %s is %s", (image, registry) => {
  expect(registryOf(image)).toBe(registry);
});

test("credentials are found by the registry, with its port, however the file spells it", () => {
  const found = auths({
    "https://index.docker.io/v1/": { auth: base64("hub:a:b") },
    "https://ghcr.io": { username: "cat", password: "meow" },
    "registry.example:5000": { identitytoken: "token-1", auth: base64("me:") },
  });
  expect(authFor(found, "busybox")).toEqual({
    username: "hub",
    password: "a:b",
    serveraddress: "https://index.docker.io/v1/",
  });
  expect(authFor(found, "ghcr.io/a/b")).toMatchObject({ username: "cat", password: "meow" });
  expect(authFor(found, "registry.example:5000/a")).toEqual({
    username: "me",
    identitytoken: "token-1",
    serveraddress: "registry.example:5000",
  });
  for (const other of ["registry.example/a", "registry.example:5001/a", "ghcr.io.evil.example/a", "quay.io/a"]) {
    expect(authFor(found, other)).toBeUndefined();
  }
});

test.each([
  ['{"credsStore":"desktop"}', "names a credential helper (credsStore), and the agent runs none"],
  ['{"credHelpers":{"gcr.io":"gcloud"}}', "names a credential helper (credHelpers)"],
  ['{"auths":{"ghcr.io":{}}}', "has nothing usable for ghcr.io"],
  ['{"auths":{"ghcr.io":{"auth":"c2VjcmV0"}}}', "has nothing usable for ghcr.io"],
  ['{"auths":[]}', "has auths that are not an object"],
  ["[]", "is not a JSON object"],
  ['{"auths":{"a":{"password":"s3cret-word', "is not a JSON object"],
])("a file with %s is refused with a sentence, which tells nothing of its content", async (content, problem) => {
  const error = await readRegistryAuths(fileWith(content)).catch((it: unknown) => it);
  expect(error).toBeInstanceOf(RegistryAuthError);
  expect(String(error)).toContain(problem);
  expect(String(error)).not.toMatch(/s3cret-word|c2VjcmV0/);
});

test("a file with nothing that concerns registries has no credentials", async () => {
  expect(await readRegistryAuths(fileWith('{"credsStore":"","HttpHeaders":{}}'))).toEqual(new Map());
});

test.each([
  [0o644, "can be read or written by others"],
  [0o602, "can be read or written by others"],
  [0o620, "can be written by its group"],
])("a file with mode %o is refused", async (mode, problem) => {
  await expect(readRegistryAuths(fileWith("{}", mode))).rejects.toThrow(problem);
});

test("a file of another user is refused, and so is what is no file", async (context) => {
  await expect(readRegistryAuths("/does/not/exist")).rejects.toThrow(/^\/does\/not\/exist cannot be read: ENOENT/);
  await expect(readRegistryAuths(tmpdir())).rejects.toThrow("is not a file");
  context.skip(process.getuid?.() !== 0, "only root can give a file away");
  const file = fileWith("{}");
  chownSync(file, 65_534, 65_534);
  await expect(readRegistryAuths(file)).rejects.toThrow("belongs neither to root nor to the agent's user");
});

test("secrets do not stay in what is said of a failure", () => {
  const auth = { username: "cat", password: "me+ow", serveraddress: "ghcr.io" };
  const said = `Get "https://cat:me+ow@ghcr.io/v2/?sig=abc": ${base64("cat:me+ow")} me+ow refused`;
  expect(withoutSecrets(said, auth)).toBe('Get "https://ghcr.io/v2/": *** *** refused');
  const token = { identitytoken: "token-1", serveraddress: "ghcr.io" };
  expect(withoutSecrets("token-1 refused", token)).toBe("*** refused");
  expect(withoutSecrets('Get "https://s3/blob?X-Signature=1": EOF', undefined)).toBe('Get "https://s3/blob": EOF');
});
