import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from "node:fs";
import { dirname } from "node:path";
import { messageOf, RequestError, systemErrorCode } from "../../base/errors.ts";
import { parseYaml } from "../../base/yaml-file.ts";
import { parseOrRefuse } from "../../contract/parse.ts";
import {
  type ContainerPolicy,
  DEFAULT_CONTAINER_POLICY,
  type KnownPolicy,
  type VolumePrefix,
} from "./container-policy.ts";
import { policySchema } from "./policy-schema.ts";

/** Where packages put it: read if it is there. */
export const POLICY_FILE = "/etc/gpusched/policy.yaml";
const MAX_BYTES = 1024 * 1024;
const GROUP_OR_OTHERS_WRITE = 0o022;
const ROOT = 0;

export interface PolicyOptions {
  /** Undefined is {@link POLICY_FILE}, if it is there. */
  readonly file: string | undefined;
  /** Allowed beside those of the file. */
  readonly allowVolume: readonly VolumePrefix[];
}

/**
 * The policy of this host.
 *
 * @throws RequestError `invalid` that names the file and the field
 */
export function readPolicy({ file, allowVolume }: PolicyOptions, standardFile = POLICY_FILE): KnownPolicy {
  const path = file ?? standardFile;
  const content = readGuarded(path, file !== undefined);
  const standing = content === undefined ? DEFAULT_CONTAINER_POLICY : parsePolicy(path, content);
  const policy = { ...standing, volumes: [...standing.volumes, ...allowVolume] };
  const source = content === undefined ? `by the built-in policy (there is no ${path})` : `by ${path}`;
  return { policy, note: `containers are confined ${source}: ${describe(policy)}` };
}

/** @throws RequestError `invalid` */
export function parsePolicy(path: string, content: string): ContainerPolicy {
  const read = parseYaml(content);
  if ("problem" in read) throw refused(`the policy file ${path} ${read.problem}`);
  // A file in which everything is commented out.
  if (read.value === null || read.value === undefined) return DEFAULT_CONTAINER_POLICY;
  return parseOrRefuse(policySchema, read.value, `the policy file ${path}`);
}

/** Looked at through the descriptors that are read, so that nothing can be put in their place meanwhile. */
function readGuarded(path: string, mustExist: boolean): string | undefined {
  let directory: number | undefined;
  let file: number | undefined;
  try {
    directory = openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stats = fstatSync(file);
    const problem = ownerProblem(fstatSync(directory), `its directory ${dirname(path)}`) ?? ownerProblem(stats, "it");
    if (problem !== undefined) throw refused(`the policy file ${path} is not used: ${problem}`);
    if (!stats.isFile()) throw refused(`the policy file ${path} is not a file`);
    if (stats.size > MAX_BYTES) throw refused(`the policy file ${path} is larger than ${MAX_BYTES} bytes`);
    return readFileSync(file, "utf8");
  } catch (error) {
    if (error instanceof RequestError) throw error;
    if (systemErrorCode(error) === "ENOENT" && !mustExist) return undefined;
    const isLink = systemErrorCode(error) === "ELOOP";
    throw refused(`the policy file ${path} ${isLink ? "is a symbolic link" : `cannot be read: ${messageOf(error)}`}`);
  } finally {
    if (directory !== undefined) closeSync(directory);
    if (file !== undefined) closeSync(file);
  }
}

/** Why what is said there is not root's word: a sentence; undefined when it is. */
export function ownerProblem({ uid, mode }: Pick<Stats, "uid" | "mode">, subject: string): string | undefined {
  if (uid !== ROOT) return `${subject} belongs to user ${uid}; it must belong to root`;
  if ((mode & GROUP_OR_OTHERS_WRITE) !== 0) return `${subject} can be written by others than root`;
  return undefined;
}

function describe(policy: ContainerPolicy): string {
  const { user, root, readOnlyRoot, network, volumes } = policy;
  const who =
    root === "never" ? `user ${user.uid}:${user.gid}` : `user ${user.uid}:${user.gid}, or their image's (${root})`;
  const where = volumes.map(({ path, writable }) => (writable ? `${path} (writable)` : path)).join(", ");
  const rootFs = readOnlyRoot ? "read-only" : "writable";
  return `${who}, ${rootFs} root file system, network ${network}, volumes ${where === "" ? "none" : `from ${where}`}`;
}

function refused(message: string): RequestError {
  return new RequestError("invalid", message);
}
