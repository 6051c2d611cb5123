/** What gives containers their NVIDIA GPUs. */
import type { Host } from "../host.ts";
import { versionIn } from "../version.ts";

const CONFIGURATION = "/etc/nvidia-container-runtime/config.toml";
const CDI_FOLDERS = ["/etc/cdi", "/var/run/cdi"];

export interface ToolkitFacts {
  /** Undefined when it is not installed; empty when its version cannot be told. */
  readonly version: string | undefined;
  /** Whether containers may name their GPUs in a variable; undefined where its file does not say: then they may. */
  readonly acceptsVariable: boolean | undefined;
  /** For which versions of the driver the files are that describe devices. */
  readonly cdiDriverVersions: readonly string[];
  /** What Docker calls where it is asked for devices without CDI and without a runtime. */
  readonly hasHook: boolean;
}

export async function gatherToolkit(host: Host): Promise<ToolkitFacts> {
  const configuration = await host.read(CONFIGURATION);
  const [, accepts] =
    /^\s*accept-nvidia-visible-devices-envvar-when-unprivileged\s*=\s*(true|false)/m.exec(configuration ?? "") ?? [];
  const hook = await host.run("nvidia-container-runtime-hook", "--version");
  return {
    version: await versionOf(host),
    acceptsVariable: accepts === undefined ? undefined : accepts === "true",
    cdiDriverVersions: await cdiDriverVersions(host),
    hasHook: hook.kind !== "missing",
  };
}

async function versionOf(host: Host): Promise<string | undefined> {
  for (const command of ["nvidia-ctk", "nvidia-container-toolkit", "nvidia-container-runtime-hook"]) {
    const ran = await host.run(command, "--version");
    if (ran.kind === "missing") continue;
    return (ran.kind === "ended" && versionIn(`${ran.stdout}\n${ran.stderr}`)) || "";
  }
  return undefined;
}

async function cdiDriverVersions(host: Host): Promise<readonly string[]> {
  const versions = new Set<string>();
  for (const folder of CDI_FOLDERS) {
    for (const name of await host.names(folder)) {
      if (!/\.(json|ya?ml)$/.test(name)) continue;
      const text = (await host.read(`${folder}/${name}`)) ?? "";
      if (!text.includes("nvidia.com/gpu")) continue;
      for (const [, version = ""] of text.matchAll(/libcuda\.so\.(\d+\.\d+(?:\.\d+)*)/g)) versions.add(version);
    }
  }
  return [...versions];
}
