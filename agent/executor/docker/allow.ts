import { imageProblem } from "../../../contract/image.ts";
import { imageRefusal, runsAsImageUser } from "../../policy/container-policy.ts";
import type { ResolvedVolume } from "../../volumes/resolve.ts";
import type { LaunchSpec } from "../executor.ts";
import { containerOptions, type HostFacts } from "./container-options.ts";
import type { CreateOptions } from "./engine-client.ts";
import { finalLook } from "./final-look.ts";

export type Allowed =
  | { readonly kind: "allowed"; readonly options: CreateOptions }
  /** `node` is where the host is to blame, not the job. */
  | { readonly kind: "bad-request" | "node"; readonly message: string };

/** What is wrong with an image's name, or why it may not run here. */
export function imageFault(image: string | undefined, { policy }: Pick<HostFacts, "policy">): string | undefined {
  if (image === undefined) return "a node with Docker needs an image";
  // A registry at a private address is the operator's to allow, by naming it.
  const problem = imageProblem(image, policy.registries);
  if (problem?.startsWith("names")) return `the image ${image} ${problem}`;
  if (problem !== undefined) return `not the name of an image: ${image}`;
  return imageRefusal(image, policy);
}

/**
 * The one way to a container: what the launch makes of itself under the host's policy, or why it does not become one. Whoever
 * sent it, nothing that is not foreseen here reaches the engine.
 */
export function allow(spec: LaunchSpec, volumes: readonly ResolvedVolume[], host: HostFacts): Allowed {
  const { policy, runtime, isRemapped } = host;
  const fault = imageFault(spec.image, host);
  const image = spec.image ?? "";
  if (fault !== undefined) return { kind: "bad-request", message: fault };
  if (runtime !== undefined && policy.runtimes.length > 0 && !policy.runtimes.includes(runtime)) {
    return { kind: "node", message: `this node's policy does not allow the runtime ${runtime}` };
  }
  const sizes = sizeFault(spec);
  if (sizes !== undefined) return { kind: "bad-request", message: sizes };
  const looked = { image, volumes, asImageUser: runsAsImageUser(image, policy, isRemapped) };
  const options = containerOptions(spec, looked, host);
  const problem = finalLook(options, { spec, looked, host });
  if (problem === undefined) return { kind: "allowed", options };
  return { kind: "node", message: `this node's policy refuses the container: ${problem} is not allowed as it is` };
}

function sizeFault({ memoryMb, shmSizeMb, cpuCores }: LaunchSpec): string | undefined {
  if (!(cpuCores > 0)) return "a job needs at least one core";
  if (!(memoryMb > 0)) return "a job needs memory";
  if (shmSizeMb !== undefined && !(shmSizeMb > 0)) return "shm_size_mb must be above 0";
  if ((shmSizeMb ?? 0) > memoryMb)
    return `shm_size_mb must not be more than the memory of the container (${memoryMb} MB)`;
  return undefined;
}
