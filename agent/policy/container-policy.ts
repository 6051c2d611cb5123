import { isWithin } from "../../contract/volume-path.ts";
import { registryHost } from "../../contract/image.ts";

/** A path of the host below which jobs may have volumes. */
export interface VolumePrefix {
  readonly path: string;
  /** Jobs may write there, not only read. */
  readonly writable: boolean;
}

/** Whether a container may run as the user that its image names, root included. */
export type RootRule =
  | "never"
  /** Only where the engine makes its root a user without rights on the host (userns-remap). */
  | "remapped"
  | "allowed";

/** What a container may be on this host, whoever asks for it. */
export interface ContainerPolicy {
  readonly volumes: readonly VolumePrefix[];
  /** Beginnings of the images that may run; empty is any. */
  readonly images: readonly string[];
  /** Registries that images may come from; empty is any. Docker Hub is `docker.io`. */
  readonly registries: readonly string[];
  readonly user: { readonly uid: number; readonly gid: number };
  readonly root: RootRule;
  /** Beginnings of the images for which `root` counts; empty is any. */
  readonly rootImages: readonly string[];
  readonly readOnlyRoot: boolean;
  readonly pids: number;
  readonly openFiles: number;
  /** Undefined leaves it to the engine. */
  readonly lockedMemoryMb: number | "unlimited" | undefined;
  /** Of /tmp; undefined is half of the container's memory. */
  readonly tmpMb: number | undefined;
  /** What the scratch directory of an attempt may hold; undefined is not looked at. */
  readonly scratchMb: number | undefined;
  /** `tenant` is one for each tenant, else Docker's own `default`, `none`, `host`, or the name of one of its networks. */
  readonly network: string;
  /** Where jobs may not connect to, beside what none ever may: `10.0.0.0/8`, `10.0.0.5:443`. */
  readonly blockedDestinations: readonly string[];
  /** Runtimes that the agent's options may name; empty is any. A job never names one. */
  readonly runtimes: readonly string[];
}

/** The policy of a host, and what it comes to: a sentence. */
export interface KnownPolicy {
  readonly policy: ContainerPolicy;
  readonly note: string;
}

/** What holds on a host without a policy file. */
export const DEFAULT_CONTAINER_POLICY: ContainerPolicy = {
  volumes: [],
  images: [],
  registries: [],
  user: { uid: 65_534, gid: 65_534 },
  root: "never",
  rootImages: [],
  readOnlyRoot: true,
  pids: 4_096,
  openFiles: 16_384,
  lockedMemoryMb: undefined,
  tmpMb: undefined,
  scratchMb: undefined,
  network: "tenant",
  blockedDestinations: [],
  runtimes: [],
};

/** Why the image may not run; undefined when it may. */
export function imageRefusal(image: string, { images, registries }: ContainerPolicy): string | undefined {
  const registry = registryHost(image) ?? "docker.io";
  if (registries.length > 0 && !registries.includes(registry)) {
    return `this node allows no images from ${registry}: only from ${registries.join(", ")}`;
  }
  if (images.length === 0 || images.some((prefix) => beginsWith(image, prefix))) return undefined;
  return `this node does not allow the image ${image}: only those that begin with ${images.join(", ")}`;
}

/** Whether the container runs as the user that the image names. */
export function runsAsImageUser(image: string, policy: ContainerPolicy, isRemapped: boolean): boolean {
  const { root, rootImages } = policy;
  if (root === "never" || (root === "remapped" && !isRemapped)) return false;
  return rootImages.length === 0 || rootImages.some((prefix) => beginsWith(image, prefix));
}

/** `nvidia/cuda` begins `nvidia/cuda:12` and `nvidia/cuda/x`, not `nvidia/cuda-evil`. */
function beginsWith(image: string, prefix: string): boolean {
  if (!image.startsWith(prefix)) return false;
  return image.length === prefix.length || /[/:@]$/.test(prefix) || /^[/:@]/.test(image.slice(prefix.length));
}

/** The prefixes that allow a volume from the path. */
export function prefixesOf(path: string, volumes: readonly VolumePrefix[]): readonly VolumePrefix[] {
  return volumes.filter((prefix) => isWithin(path, prefix.path));
}
