import { access } from "node:fs/promises";
import { delimiter, join } from "node:path";
import type { DeviceId } from "../../../../base/ids.ts";
import { messageOf } from "../../../../base/errors.ts";
import type { Logger } from "../../../../base/logger.ts";
import type { Device, DeviceSource } from "../../../devices/device-source.ts";
import type { EngineInfo } from "../engine-facts.ts";
import { chooseGrant, type DockerGrant, type GpuGrantSetting, type GrantedDevice } from "../gpu-grant.ts";
import { type CdiDevice, readCdiDevices } from "./cdi-specs.ts";
import { deviceNodeOf, groupsOf, type HostTree } from "./device-node.ts";

/** Where specifications lie for whoever has the right to read them, whether or not the engine does. */
const USUAL_DIRECTORIES = ["/etc/cdi", "/var/run/cdi"];
/** Engines, drivers and specifications come and change while the agent runs. */
const KEPT_MS = 30_000;
const HOOK = "nvidia-container-runtime-hook";
const USUAL_PATH = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
/** AMD's driver itself: a job with any of its GPUs needs it. */
const AMD_DRIVER = "/dev/kfd";

export interface GrantKeeperOptions {
  readonly setting: GpuGrantSetting;
  readonly runtime: string | undefined;
  readonly simulated: boolean;
  readonly source: Pick<DeviceSource, "name" | "list">;
  readonly log: Logger;
  readonly host?: HostTree;
}

/** Finds out how this node's devices reach containers. */
export class GrantKeeper {
  readonly #options: GrantKeeperOptions;
  readonly #host: HostTree;
  #latest: DockerGrant | undefined;
  #chosenAtMs = 0;

  constructor(options: GrantKeeperOptions) {
    this.#options = options;
    this.#host = options.host ?? { root: "" };
  }

  /** What was found out last; undefined before the first time. */
  get latest(): DockerGrant | undefined {
    return this.#latest;
  }

  /** The same, found out anew if that is some time ago. */
  async keep(info: EngineInfo): Promise<DockerGrant> {
    if (this.#latest !== undefined && performance.now() - this.#chosenAtMs < KEPT_MS) return this.#latest;
    this.#latest = await this.#choose(info);
    this.#chosenAtMs = performance.now();
    return this.#latest;
  }

  async #choose(info: EngineInfo): Promise<DockerGrant> {
    const { setting, runtime, simulated, source, log } = this.#options;
    const name: string = source.name;
    const vendor = name === "amd-smi" ? "amd" : "nvidia";
    const found = simulated ? [] : await this.#list();
    const cdi = simulated ? [] : await this.#cdiDevices(info);
    const devices = new Map<DeviceId, GrantedDevice>();
    for (const device of found) devices.set(device.id, await this.#grantedDevice(device, cdi, vendor));
    const cdiProblem = await this.#cdiProblem(info, cdi, devices);
    const hasHook = await this.#hasHook();
    const grant = chooseGrant({ setting, runtime, simulated, vendor, info, cdiProblem, hasHook });
    const isNews = grant.kind !== this.#latest?.kind || grant.reason !== this.#latest.reason;
    if (isNews) log.info({ grant: grant.kind, reason: grant.reason }, "how devices reach containers");
    return { ...grant, devices };
  }

  /** A driver that does not answer leaves the devices to be named by their ids. */
  async #list(): Promise<readonly Device[]> {
    try {
      const { devices, lost } = await this.#options.source.list();
      const gone = new Set(lost.map(({ id }) => id));
      return devices.filter(({ id }) => !gone.has(id));
    } catch (error) {
      this.#options.log.debug({ problem: messageOf(error) }, "devices not listed for their grant");
      return [];
    }
  }

  /** An engine since 28.2 tells what it found; one before has what stands in its directories, if it has any. */
  async #cdiDevices({ CDISpecDirs, DiscoveredDevices }: EngineInfo): Promise<readonly CdiDevice[]> {
    const specified = await readCdiDevices((CDISpecDirs ?? []).map((it) => join(this.#host.root, it)));
    if (!DiscoveredDevices) return specified;
    return DiscoveredDevices.flatMap(({ ID: fullName = "" }) => {
      const [kind = "", name = ""] = fullName.split("=", 2);
      if (kind !== "nvidia.com/gpu" && kind !== "amd.com/gpu") return [];
      return [specified.find((it) => it.fullName === fullName) ?? { fullName, name, nodes: [] }];
    });
  }

  /** By its UUID, or by the only file that is its own: a number alone may mean another device tomorrow. */
  async #grantedDevice(device: Device, cdi: readonly CdiDevice[], vendor: "nvidia" | "amd"): Promise<GrantedDevice> {
    const node = await deviceNodeOf(device.pciBusId, this.#host);
    const isSlice = device.id.startsWith("MIG-");
    const byName = cdi.find(({ name }) => name === device.id);
    const byNode = cdi.find(({ nodes }) => !isSlice && nodes.length === 1 && nodes[0] === node);
    const nodes = vendor === "amd" && node !== undefined ? [AMD_DRIVER, node] : [];
    // Where no specification can be seen, only the engine knows whether it has one, and is asked for the UUID.
    const unseen = cdi.length === 0 ? { fullName: `${vendor}.com/gpu=${device.id}` } : undefined;
    return { cdiName: (byName ?? byNode ?? unseen)?.fullName, nodes, groups: await groupsOf(nodes, this.#host) };
  }

  async #cdiProblem(
    info: EngineInfo,
    cdi: readonly CdiDevice[],
    devices: ReadonlyMap<DeviceId, GrantedDevice>,
  ): Promise<string | undefined> {
    const isEnabled = (info.CDISpecDirs ?? []).length > 0 || (info.DiscoveredDevices ?? []).length > 0;
    if (!isEnabled) {
      const usual = await readCdiDevices(USUAL_DIRECTORIES.map((it) => join(this.#host.root, it)));
      if (usual.length === 0) return "Docker does not use it";
      return "there is a specification, and Docker does not use it: features.cdi in its daemon.json, or Docker 28.2";
    }
    if (cdi.length === 0) return "no specification names a GPU";
    const unnamed = [...devices].filter(([, { cdiName }]) => cdiName === undefined).map(([id]) => id);
    if (unnamed.length > 0) return `no specification names ${unnamed[0]} by its UUID or its file`;
    // No device is known yet: whether those to come are named can only be seen by how the others are.
    const isByUuid = cdi.some(({ name }) => /^(GPU|MIG)-/.test(name));
    return devices.size > 0 || isByUuid ? undefined : "its specification only counts devices";
  }

  async #hasHook(): Promise<boolean> {
    const directories = [...(process.env["PATH"] ?? "").split(delimiter), ...USUAL_PATH];
    const found = await Promise.all(
      directories.map((it) =>
        access(join(this.#host.root, it, HOOK)).then(
          () => true,
          () => false,
        ),
      ),
    );
    return found.includes(true);
  }
}
