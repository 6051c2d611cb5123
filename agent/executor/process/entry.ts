import { type AllocationKey, allocationName } from "../../../base/ids.ts";
import { argvOf } from "../argv.ts";
import type { LaunchSpec } from "../executor.ts";
import type { Launch } from "./protocol.ts";
import type { Status } from "./status.ts";

/** What the executor knows of one allocation, from its launch or its discovery to its release. */
export interface Entry {
  readonly name: string;
  readonly key: AllocationKey;
  readonly rememberedAtMs: number;
  status: Status;
  /** Until the runner has taken it, and in case it has not. */
  launch: Launch | undefined;
  /** When it is killed, on the wall clock, once it is being stopped. */
  killAtMs: number | undefined;
  /** What became of it is being found out. */
  isSettling: boolean;
  /** Its end is decided here and is being recorded. */
  isEnding: boolean;
  /** Records of its status by this executor, one after the other. */
  saving: Promise<void>;
}

/** An allocation that is being launched, or that was found. Nothing was found where there is no status of it. */
export function createEntry(
  key: AllocationKey,
  known: { readonly status?: Status | undefined; readonly launch?: Launch; readonly bootId: string },
): Entry {
  const name = allocationName(key);
  const { deviceIds = [], gpuMilli, graceMs = 0, requeueOnNodeLost = false } = known.launch ?? {};
  const summary = { deviceIds, gpuMilli, graceMs, requeueOnNodeLost };
  const starting: Status = { version: 1, name, ...summary, bootId: known.bootId, state: { phase: "starting" } };
  const status = known.status ?? starting;
  return {
    name,
    key,
    rememberedAtMs: performance.now(),
    status,
    launch: known.launch,
    killAtMs: status.state.phase === "running" ? status.state.killAtMs : undefined,
    isSettling: false,
    isEnding: false,
    saving: Promise.resolve(),
  };
}

/** What the runner is told of a launch. */
export function launchOf(name: string, spec: LaunchSpec): Launch {
  const { deviceIds, gpuMilli, graceMs, requeueOnNodeLost, environment, memoryMb, cpuCores } = spec;
  return {
    name,
    argv: [...argvOf(spec)],
    environment: { ...environment },
    deviceIds: [...deviceIds],
    ...(gpuMilli !== undefined && { gpuMilli }),
    graceMs,
    requeueOnNodeLost,
    limits: { memoryMb, cpuCores },
  };
}

/** Whether nothing will become of it any more. */
export function hasEnded(entry: Entry): boolean {
  return entry.status.state.phase === "ended";
}
