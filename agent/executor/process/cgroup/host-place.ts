import { statSync } from "node:fs";
import { readHierarchies } from "./cgroup-tree.ts";
import { findPlace, type Placement } from "./group-place.ts";

/** Where the jobs of that data directory have their groups on this host. */
export function placeFor(dataDir: string): Placement {
  const { dev, ino } = statSync(dataDir, { bigint: true });
  return findPlace(readHierarchies(), `gpusched-${dev}-${ino}`, process.getuid?.() === 0);
}
