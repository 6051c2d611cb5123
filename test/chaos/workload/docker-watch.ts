/** What containers did: looked at from outside, because nothing inside of one can be read by anybody else. */
import type { ContainerInspectInfo } from "dockerode";
import { delay } from "../../../base/abort.ts";
import type { Run } from "../check/runs.ts";
import { bootTimeMs } from "../world/boot-time.ts";
import type { AgentHost } from "../world/cluster.ts";
import type { DockerEngine } from "../../support/docker-engine.ts";

const LOOK_EVERY_MS = 250;
const LOOKS_WITHIN_MS = 5_000;

/** A container of the workload, as it was when it was looked at last. */
export interface SeenContainer {
  readonly id: string;
  readonly name: string;
  readonly node: string;
  readonly pid: number;
  readonly restarts: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly startedAtMs: number;
  readonly isRunning: boolean;
  /** The last moment at which it is known to have run. */
  readonly lastAtMs: number;
  readonly exitCode: number | undefined;
}

type DockerAgent = AgentHost & { readonly engine: DockerEngine };

/** Looks at every container of the engines, again and again. While an engine is away its containers cannot be seen. */
export class DockerWatch {
  readonly containers = new Map<string, SeenContainer>();
  readonly #agents: readonly DockerAgent[];

  constructor(agents: readonly DockerAgent[]) {
    this.#agents = agents;
  }

  async run(signal: AbortSignal): Promise<void> {
    const watch = async ({ engine, nodeName }: DockerAgent) => {
      for (; !signal.aborted; await delay(LOOK_EVERY_MS, signal)) await this.look(engine, nodeName);
    };
    await Promise.all(this.#agents.map(watch));
  }

  /** Looks once; what cannot be seen at the moment stays as it was. */
  async look({ docker }: DockerEngine, node: string): Promise<void> {
    const abortSignal = AbortSignal.timeout(LOOKS_WITHIN_MS);
    try {
      for (const { Id } of await docker.listContainers({
        all: true,
        filters: { label: ["gpusched.job"] },
        abortSignal,
      })) {
        if (this.containers.get(Id)?.exitCode !== undefined) continue;
        const seen = toSeen(await docker.getContainer(Id).inspect({ abortSignal }), node);
        if (seen) this.containers.set(Id, seen);
      }
    } catch {
      // The engine is away, or the container has gone meanwhile.
    }
  }

  /** As runs of jobs, on the clock of their notes. */
  runs(): Run[] {
    const offsetMs = Date.now() - bootTimeMs();
    return [...this.containers.values()].map(({ labels, node, pid, startedAtMs, lastAtMs, exitCode }) => ({
      jobId: labels["gpusched.job"] ?? "",
      attempt: Number(labels["gpusched.attempt"]),
      rank: Number(labels["gpusched.rank"]),
      gpus: (labels["gpusched.devices"] ?? "").split(",").filter(Boolean),
      node,
      pid,
      startMs: startedAtMs - offsetMs,
      lastMs: lastAtMs - offsetMs,
      exitCode,
    }));
  }
}

/** Undefined for one that has not begun. */
function toSeen(info: ContainerInspectInfo, node: string): SeenContainer | undefined {
  const { State: state, Id: id, Name: name } = info;
  const startedAtMs = Date.parse(state.StartedAt);
  if (!(startedAtMs > 0)) return undefined;
  const isRunning = state.Running;
  const lastAtMs = isRunning ? Date.now() : Date.parse(state.FinishedAt);
  const exitCode = isRunning ? undefined : state.ExitCode;
  const found = { id, name, node, pid: state.Pid, restarts: info.RestartCount, labels: info.Config.Labels };
  return { ...found, startedAtMs, isRunning, lastAtMs, exitCode };
}
