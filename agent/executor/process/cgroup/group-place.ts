import { basename, dirname, join } from "node:path";
import { messageOf } from "../../../../base/errors.ts";
import { CONTROLLERS, type Controller, type Hierarchy, LIMITED } from "./cgroup-tree.ts";
import { makeGroup, readGroupFile, removeGroup, sweepGroups, tryWriteGroupFile } from "./group-files.ts";

/** The group in which systemd starts the agent when its unit delegates: `DelegateSubgroup=agent`. */
const SUBGROUP = "agent";
/** Below the root of the tree, as other managers of groups have theirs. */
const TOP = "gpusched";

const LEFT_BEHIND = /^gpusched-\d+-\d+$/;

/** Where the groups of a data directory's jobs are made, one directory for each hierarchy that is used. */
export interface GroupPlace {
  readonly version: 1 | 2;
  /** By what a group in it is for; with version 2 it is the same one for all. */
  readonly directories: ReadonlyMap<Controller | "freezer", string>;
  /** What is limited there. */
  readonly limits: readonly Controller[];
}

/** What can be done on this host, and why not more: a sentence. */
export interface Placement {
  readonly place: GroupPlace | undefined;
  readonly reason: string;
  /** What is not limited. */
  readonly missing: readonly Controller[];
}

/** @param name of the data directory, so that two agents of a host do not meet */
export function findPlace(hierarchies: readonly Hierarchy[], name: string, isRoot: boolean): Placement {
  const unified = hierarchies.find(({ version }) => version === 2);
  const legacy = hierarchies.filter(({ version, controllers }) => version === 1 && controllers.length > 0);
  const isLegacy = legacy.some(({ controllers }) => controllers.includes("memory"));
  if (isLegacy) return placeInLegacy(legacy, name);
  if (unified) return placeInUnified(unified, name, isRoot);
  return nowhere("this host has no control groups that can be seen");
}

/** Version 1: below the group that the agent is in, in each hierarchy. */
function placeInLegacy(hierarchies: readonly Hierarchy[], name: string): Placement {
  const directories = new Map<Controller | "freezer", string>();
  let problem = "";
  for (const controller of [...CONTROLLERS, "freezer"] as const) {
    const hierarchy = hierarchies.find(({ controllers }) => controllers.includes(controller));
    if (!hierarchy) continue;
    const directory = join(hierarchy.own, name);
    try {
      // Those of data directories that are gone; whoever still needs his makes it anew.
      sweepGroups(hierarchy.own, LEFT_BEHIND);
      makeGroup(directory);
      directories.set(controller, directory);
    } catch (error) {
      problem ||= messageOf(error);
    }
  }
  const limits = CONTROLLERS.filter((it) => directories.has(it));
  if (directories.size === 0) return nowhere(`control groups cannot be made here: ${problem}`);
  return placement({ version: 1, directories, limits }, problem);
}

/**
 * Version 2. A group with processes of its own cannot divide what it has, so jobs are beside the agent's group, where systemd
 * has given the unit a tree with the agent in a part of it; or, for root, below the root of all.
 */
function placeInUnified({ mountPoint, own }: Hierarchy, name: string, isRoot: boolean): Placement {
  const isDelegated = basename(own) === SUBGROUP && own !== mountPoint;
  const parents = isDelegated ? [dirname(own)] : isRoot ? [mountPoint] : [];
  let problem = "the agent has no control group of its own (systemd 254: Delegate=yes, DelegateSubgroup=agent)";
  for (const parent of parents) {
    const top = join(parent, TOP);
    const directory = join(top, name);
    try {
      turnOn(parent);
      makeGroup(top);
      const limits = turnOn(top);
      makeGroup(directory);
      turnOn(directory);
      return placement(unifiedPlace(directory, limits), "");
    } catch (error) {
      problem = messageOf(error);
    }
  }
  // Without limits a group still says what belongs to a job, wherever one may be made.
  const directory = join(own, name);
  try {
    makeGroup(directory);
    return placement(unifiedPlace(directory, []), problem);
  } catch {
    return nowhere(`control groups cannot be made here: ${problem}`);
  }
}

/** Has the groups within limit what they can; what is limited then. */
function turnOn(directory: string): readonly Controller[] {
  const available = readGroupFile(directory, "cgroup.controllers").split(/\s+/);
  for (const controller of CONTROLLERS) {
    if (available.includes(controller)) tryWriteGroupFile(directory, "cgroup.subtree_control", `+${controller}`);
  }
  const enabled = readGroupFile(directory, "cgroup.subtree_control").split(/\s+/);
  return CONTROLLERS.filter((it) => enabled.includes(it));
}

function unifiedPlace(directory: string, limits: readonly Controller[]): GroupPlace {
  const uses = [...CONTROLLERS, "freezer"] as const;
  return { version: 2, directories: new Map(uses.map((use) => [use, directory])), limits };
}

function nowhere(reason: string): Placement {
  return { place: undefined, reason, missing: CONTROLLERS };
}

function placement(place: GroupPlace, problem: string): Placement {
  const missing = CONTROLLERS.filter((it) => !place.limits.includes(it));
  return {
    place,
    reason: reasonOf(
      place,
      missing.map((it) => LIMITED[it]),
      problem,
    ),
    missing,
  };
}

function reasonOf({ version, limits }: GroupPlace, missing: readonly string[], problem: string): string {
  const has = limits.map((it) => LIMITED[it]).join(", ");
  const limited = limits.length === 0 ? "nothing is limited" : `limited by control groups (version ${version}): ${has}`;
  if (missing.length === 0) return limited;
  const why = problem === "" ? "this host's kernel does not offer it" : problem;
  return limits.length === 0 ? `${limited}: ${why}` : `${limited}; not limited: ${missing.join(", ")} (${why})`;
}

/** Removes what was made for a data directory, if no job is in it. */
export function leavePlace({ directories }: GroupPlace): void {
  for (const directory of new Set(directories.values())) removeGroup(directory);
}
