import { seesAll } from "../../volumes/mounted.ts";
import {
  isUnchanged,
  type ResolvedVolume,
  resolveVolumes,
  VolumeRefusal,
  type VolumeRules,
} from "../../volumes/resolve.ts";
import type { AllocationEnd, LaunchSpec } from "../executor.ts";
import type { EngineClient } from "./engine-client.ts";

type Looked =
  | { readonly kind: "volumes"; readonly volumes: readonly ResolvedVolume[] }
  | { readonly kind: "refused"; readonly end: AllocationEnd };

/** Where the launch's volumes really are, or the end of a launch that is not given one. */
export async function lookAtVolumes({ volumes = [] }: LaunchSpec, rules: VolumeRules): Promise<Looked> {
  try {
    return { kind: "volumes", volumes: await resolveVolumes(volumes, rules) };
  } catch (error) {
    if (!(error instanceof VolumeRefusal)) throw error;
    return { kind: "refused", end: { kind: "bad-request", message: error.message } };
  }
}

/**
 * Docker goes by the path, once more and later: whether a container that was just started has what was looked at. Undefined
 * when it has, else why it may not stay.
 */
export async function checkMounted(
  engine: Pick<EngineClient, "inspect">,
  container: string,
  volumes: readonly ResolvedVolume[],
): Promise<AllocationEnd | undefined> {
  if (volumes.length === 0) return undefined;
  const pid = (await engine.inspect(container))?.State.Pid ?? 0;
  const sources = volumes.map(({ source }) => source);
  const isRight = pid > 0 ? await seesAll(pid, sources) : undefined;
  const unchanged = await Promise.all(volumes.map(isUnchanged));
  if (isRight !== false && unchanged.every(Boolean)) return undefined;
  const which = volumes.find((_, index) => !unchanged[index]) ?? volumes[0];
  const message = `the volume ${which?.asked ?? ""} was changed while the container was started: it was stopped at once`;
  return { kind: "bad-request", message };
}
