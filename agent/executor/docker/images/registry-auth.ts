import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { messageOf } from "../../../../base/errors.ts";
import { canonicalRegistry, registryOf } from "./image-name.ts";

const MAX_FILE_BYTES = 1024 * 1024;
const READABLE_BY_OTHERS = 0o007;
/** A pipe of that name would have its opening wait for a writer. */
const OPENED = constants.O_RDONLY | constants.O_NONBLOCK;
const WRITABLE_BY_GROUP = 0o020;

/** What Docker is told for one registry: a name and a password, or a token. */
export interface RegistryAuth {
  readonly username?: string;
  readonly password?: string;
  readonly identitytoken?: string;
  readonly registrytoken?: string;
  readonly serveraddress: string;
}

/** By the registry's name, in the order of the file. */
export type RegistryAuths = ReadonlyMap<string, RegistryAuth>;

/** The file of credentials cannot be used; the message says why, and never what is in it. */
export class RegistryAuthError extends Error {
  override readonly name = "RegistryAuthError";
}

/**
 * The credentials in a file such as `docker login` writes. Read for each pull, so that what is replaced is used from then on.
 *
 * @throws RegistryAuthError
 */
export async function readRegistryAuths(file: string): Promise<RegistryAuths> {
  return parseRegistryAuths(file, await readPrivately(file));
}

/** The credentials for the registry of that image. */
export function authFor(auths: RegistryAuths, image: string): RegistryAuth | undefined {
  return auths.get(registryOf(image));
}

/** The text without any secret of these credentials, and without the queries of addresses, which may be signatures. */
export function withoutSecrets(text: string, auth: RegistryAuth | undefined): string {
  const { username = "", password = "", identitytoken = "", registrytoken = "" } = auth ?? {};
  const basic = password === "" ? "" : Buffer.from(`${username}:${password}`).toString("base64");
  const secrets = [password, identitytoken, registrytoken, basic].filter((it) => it !== "");
  const hidden = secrets.reduce((left, secret) => left.replaceAll(secret, "***"), text);
  return hidden.replaceAll(/(https?:\/\/)[^\s"'/@]*@/g, "$1").replaceAll(/(https?:\/\/[^\s"'?]*)\?[^\s"']*/g, "$1");
}

/** Looks at the very file that is read, whatever its name stands for a moment later. */
async function readPrivately(file: string): Promise<string> {
  const fail = (problem: string): RegistryAuthError => new RegistryAuthError(`${file} ${problem}`);
  const handle = await open(file, OPENED).catch((error: unknown) => {
    throw fail(`cannot be read: ${messageOf(error)}`);
  });
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw fail("is not a file");
    if (stats.uid !== 0 && stats.uid !== process.getuid?.())
      throw fail("belongs neither to root nor to the agent's user");
    if ((stats.mode & READABLE_BY_OTHERS) !== 0) throw fail("can be read or written by others: chmod 600 it");
    if ((stats.mode & WRITABLE_BY_GROUP) !== 0) throw fail("can be written by its group: chmod 600 it");
    if (stats.size > MAX_FILE_BYTES) throw fail(`is larger than ${MAX_FILE_BYTES} bytes`);
    return await handle.readFile("utf8");
  } finally {
    await handle.close();
  }
}

/** Apart from the file's reading: what it means. */
export function parseRegistryAuths(file: string, text: string): RegistryAuths {
  const fail = (problem: string): RegistryAuthError => new RegistryAuthError(`${file} ${problem}`);
  const content = parseObject(text);
  if (!content) throw fail("is not a JSON object");
  for (const helper of ["credsStore", "credHelpers"]) {
    if (isEmpty(content[helper])) continue;
    throw fail(`names a credential helper (${helper}), and the agent runs none: write the credentials into auths`);
  }
  const auths = content["auths"] === undefined ? {} : asObject(content["auths"]);
  if (!auths) throw fail("has auths that are not an object");
  const found = new Map<string, RegistryAuth>();
  for (const [key, value] of Object.entries(auths)) {
    const auth = authOf(key, asObject(value));
    if (!auth) throw fail(`has nothing usable for ${key}: auth, username and password, or identitytoken`);
    // Docker's own spelling comes first where a registry is there twice.
    const name = canonicalRegistry(key);
    if (!found.has(name) || key === name) found.set(name, auth);
  }
  return found;
}

function authOf(serveraddress: string, entry: Readonly<Record<string, unknown>> | undefined): RegistryAuth | undefined {
  if (!entry) return undefined;
  const decoded = Buffer.from(textAt(entry, "auth"), "base64").toString("utf8");
  const colon = decoded.indexOf(":");
  const username = textAt(entry, "username") || decoded.slice(0, Math.max(0, colon));
  // Docker pads what it writes with zero bytes.
  const password = textAt(entry, "password") || (colon < 0 ? "" : decoded.slice(colon + 1).replace(/\0+$/, ""));
  const identitytoken = textAt(entry, "identitytoken");
  const registrytoken = textAt(entry, "registrytoken");
  if (identitytoken !== "") return { ...(username && { username }), identitytoken, serveraddress };
  if (registrytoken !== "") return { registrytoken, serveraddress };
  return username !== "" && password !== "" ? { username, password, serveraddress } : undefined;
}

function textAt(entry: Readonly<Record<string, unknown>>, name: string): string {
  const value = entry[name];
  return typeof value === "string" ? value : "";
}

/** JSON.parse quotes the text in its complaint, so that is not passed on. */
function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return asObject(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function asObject(value: unknown): Readonly<Record<string, unknown>> | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return value as Readonly<Record<string, unknown>>;
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || value === "" || Object.keys(Object(value)).length === 0;
}
