import { realpath } from "node:fs/promises";
import { withDeadline } from "../../base/abort.ts";
import { systemErrorCode } from "../../base/errors.ts";
import {
  isWithin,
  reservedBelow,
  reservedSource,
  sourceProblem,
  targetProblem,
  targetsProblem,
} from "../../contract/volume-path.ts";
import { prefixesOf, type VolumePrefix } from "../policy/container-policy.ts";
import type { Volume } from "../executor/executor.ts";
import { type Passed, walk } from "./walk.ts";

/** A file system that does not answer holds up this one launch, and not for longer. */
const LOOK_DEADLINE_MS = 10_000;
const OWNER_WRITES = 0o200n;
const GROUP_WRITES = 0o020n;
const OTHERS_WRITE = 0o002n;

export interface VolumeRules {
  readonly prefixes: readonly VolumePrefix[];
  /** Directories of gpusched's own, and sockets of whatever runs here as root. */
  readonly reserved: readonly string[];
  /** As whom jobs run: what they can write they can also swap. Undefined is anybody. */
  readonly user: { readonly uid: number; readonly gid: number } | undefined;
}

/** A volume as it may be given to a job: where its source really is, and what that is. */
export interface ResolvedVolume {
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
  /** As the job wrote it. */
  readonly asked: string;
  /** Which file or directory it was when it was looked at: device and inode. */
  readonly identity: string;
}

/** Volumes may not be given to a job: the message is for its user. */
export class VolumeRefusal extends Error {
  override readonly name = "VolumeRefusal";
}

/**
 * The volumes as they really are on this host.
 *
 * @throws VolumeRefusal saying which one is not given, and why
 */
export async function resolveVolumes(volumes: readonly Volume[], rules: VolumeRules): Promise<ResolvedVolume[]> {
  const problem = targetsProblem(volumes.map(({ target }) => target));
  if (problem !== undefined) throw new VolumeRefusal(`the volumes ${problem}`);
  const resolved: ResolvedVolume[] = [];
  for (const volume of volumes) resolved.push(await resolveVolume(volume, rules));
  return resolved;
}

async function resolveVolume(volume: Volume, rules: VolumeRules): Promise<ResolvedVolume> {
  const { source, target, readOnly } = volume;
  const atSource = sourceProblem(source);
  if (atSource !== undefined) throw new VolumeRefusal(`the source of a volume ${atSource}`);
  const atTarget = targetProblem(target);
  if (atTarget !== undefined) throw new VolumeRefusal(`the target of a volume ${atTarget}`);
  const asAsked = prefixesOf(source, rules.prefixes);
  if (asAsked.length === 0) throw new VolumeRefusal(`this node allows no volume from ${source}`);

  const real = await look(source, () => realpath(source));
  const roots = await Promise.all(rules.prefixes.map(async (it) => ({ ...it, path: await realOr(it.path) })));
  const allowed = prefixesOf(real, roots);
  const where = real === source ? source : `${source}, which is ${real},`;
  if (allowed.length === 0) throw new VolumeRefusal(`this node allows no volume from ${where}`);
  const isWritable = [asAsked, allowed].every((prefixes) => prefixes.some(({ writable }) => writable));
  if (!readOnly && !isWritable) throw new VolumeRefusal(`this node allows a volume from ${where} only to be read`);
  await refuseReserved(real, where, rules.reserved);

  const passed = await look(source, () => walk(real));
  const end = passed.at(-1);
  if (!end || !(end.stats.isDirectory() || end.stats.isFile())) {
    throw new VolumeRefusal(`a volume is a directory or a file, and ${where} is neither`);
  }
  refuseSwappable(passed.slice(0, -1), roots, rules.user);
  return { source: real, target, readOnly, asked: source, identity: identityOf(end) };
}

async function refuseReserved(real: string, where: string, others: readonly string[]): Promise<void> {
  const own = [...others, ...(await Promise.all(others.map(realOr)))];
  const above = reservedSource(real, own);
  if (above !== undefined) throw new VolumeRefusal(`no job is given ${where} of its host: it lies in ${above}`);
  const below = reservedBelow(real, own);
  if (below !== undefined) throw new VolumeRefusal(`no job is given ${where} of its host: ${below} lies in it`);
}

/**
 * Where jobs may write the directory in which the source lies, another one could put something else in its place after it
 * was looked at: Docker goes by the path.
 */
function refuseSwappable(parents: readonly Passed[], roots: readonly VolumePrefix[], user: VolumeRules["user"]): void {
  const reach = roots.filter(({ writable }) => writable);
  for (const { path, stats } of parents) {
    if (!reach.some((prefix) => isWithin(path, prefix.path)) || !mayWrite(stats, user)) continue;
    throw new VolumeRefusal(`jobs can change what lies in ${path}: only ${path} as a whole can be given to a job`);
  }
}

function mayWrite({ uid, gid, mode }: Passed["stats"], user: VolumeRules["user"]): boolean {
  if (!user) return true;
  if (uid === BigInt(user.uid)) return (mode & OWNER_WRITES) !== 0n;
  if (gid === BigInt(user.gid)) return (mode & GROUP_WRITES) !== 0n;
  return (mode & OTHERS_WRITE) !== 0n;
}

/** Whether what lies there now is what was looked at before. */
export async function isUnchanged({ source, identity }: ResolvedVolume): Promise<boolean> {
  try {
    const end = (await withDeadline("look at a volume", LOOK_DEADLINE_MS, () => walk(source))).at(-1);
    return end !== undefined && identityOf(end) === identity;
  } catch {
    return false;
  }
}

function identityOf({ stats }: Passed): string {
  return `${stats.dev}:${stats.ino}`;
}

async function realOr(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    // It is not there: then nothing lies in it.
    return path;
  }
}

async function look<T>(source: string, action: () => Promise<T>): Promise<T> {
  try {
    return await withDeadline("look at a volume", LOOK_DEADLINE_MS, action);
  } catch (error) {
    throw new VolumeRefusal(describe(source, systemErrorCode(error)), { cause: error });
  }
}

function describe(source: string, code: string | undefined): string {
  switch (code) {
    case "ENOENT":
      return `there is no ${source} on this node`;
    case "EACCES":
    case "EPERM":
      return `the agent of this node may not look at ${source}`;
    case "ELOOP":
      return `${source} leads in circles, or was changed while it was looked at`;
    case "ENOTDIR":
      return `a part of ${source} is no directory on this node`;
    default:
      return `${source} cannot be looked at on this node${code === undefined ? ": its file system does not answer" : ` (${code})`}`;
  }
}
