import { readFile } from "node:fs/promises";
import { cgroupsOf } from "../process/proc-fs.ts";
import type { EngineClient } from "./engine-client.ts";

/** A driver that hangs has its programs hang, too. */
const PROGRAM_DEADLINE_MS = 10_000;
/** Character devices: NVIDIA's, and those of every other maker. */
const GPU_MAJORS: readonly string[] = ["195", "226"];
/** Containers that are remembered; beyond, the oldest are forgotten. */
const MAX_REMEMBERED = 1_000;
/** What NVIDIA's library says when a container may no longer open its devices. */
const LOST = "Failed to initialize NVML: Unknown Error";

/**
 * Whether a container still sees its devices. With control groups of version 1 the kernel shows what it may open; with those of version
 * 2 nobody can read that, and only `nvidia-smi -L` inside tells, where the image or the runtime has it.
 */
export class InsideView {
  readonly #engine: Pick<EngineClient, "inspect" | "execute">;
  /** Containers in which a program never ended: it is not joined by another. */
  readonly #stuck = new Set<string>();
  /** Containers that were allowed GPUs when they were looked at before: others cannot have lost them. */
  #wereAllowed = new Set<string>();

  constructor(engine: Pick<EngineClient, "inspect" | "execute">) {
    this.#engine = engine;
  }

  /** Undefined where it cannot be told. */
  async seesDevices(container: string, mayRun: boolean): Promise<boolean | undefined> {
    const details = await this.#engine.inspect(container);
    if (!details?.State.Running || details.State.Paused) return undefined;
    const mayOpen = await this.#mayOpen(details.Id, details.State.Pid);
    if (mayOpen === false || !mayRun || this.#stuck.has(details.Id)) return mayOpen;
    return (await this.#ask(details.Id)) ?? mayOpen;
  }

  /** By the control group alone. */
  async #mayOpen(id: string, pid: number): Promise<boolean | undefined> {
    const allowed = await allowedDevices(pid);
    if (allowed === undefined) return undefined;
    if (!allowsGpus(allowed)) return this.#wereAllowed.has(id) ? false : undefined;
    this.#wereAllowed = new Set([...this.#wereAllowed, id].slice(-MAX_REMEMBERED));
    return true;
  }

  async #ask(id: string): Promise<boolean | undefined> {
    const signal = AbortSignal.timeout(PROGRAM_DEADLINE_MS);
    try {
      const { exitCode, output } = await this.#engine.execute(id, ["nvidia-smi", "-L"], signal);
      if (output.includes(LOST)) return false;
      return exitCode === 0 && /\((UUID|MIG)/.test(output) ? true : undefined;
    } catch (error) {
      if (!signal.aborted) throw error;
      this.#stuck.add(id);
      return undefined;
    }
  }
}

/** What the kernel lets the process open, a line each; undefined where that cannot be read. */
async function allowedDevices(pid: number): Promise<string | undefined> {
  const [, path] = /^\d+:(?:[^:]*,)?devices(?:,[^:]*)?:(.*)$/m.exec(cgroupsOf(pid)) ?? [];
  if (path === undefined || path === "/") return undefined;
  return await readFile(`/sys/fs/cgroup/devices${path}/devices.list`, "utf8").catch(() => undefined);
}

/** `c 195:* rw`, or `a *:* rwm` for everything. */
export function allowsGpus(list: string): boolean {
  return list.split("\n").some((line) => {
    const [kind, number = "", access = ""] = line.split(" ");
    const [major = ""] = number.split(":");
    return access.includes("r") && (kind === "a" || (kind === "c" && GPU_MAJORS.includes(major)));
  });
}
