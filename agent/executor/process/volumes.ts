import { messageOf } from "../../../base/errors.ts";
import { resolveVolumes, VolumeRefusal, type VolumeRules } from "../../volumes/resolve.ts";
import type { Volume } from "../executor.ts";

const NO_RULES: VolumeRules = { prefixes: [], reserved: [], user: undefined };

/** Why a plain process, which sees its host as it is, has no such volumes: a sentence; undefined when it has. */
export async function volumeProblem(
  volumes: readonly Volume[],
  rules: VolumeRules = NO_RULES,
): Promise<string | undefined> {
  const elsewhere = volumes.find(({ source, target }) => source !== target);
  if (elsewhere) {
    return `a plain process sees ${elsewhere.source} in its own place only: the volume's target must be the same`;
  }
  try {
    await resolveVolumes(volumes, rules);
    return undefined;
  } catch (error) {
    if (error instanceof VolumeRefusal) return error.message;
    return `the volumes cannot be looked at: ${messageOf(error)}`;
  }
}
