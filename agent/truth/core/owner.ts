import type { Occupant } from "../../executor/executor.ts";
import type { DriverProcess, HostProcess, Sighting } from "./sighting.ts";
import type { Standing, Standings } from "./standing.ts";
import type { Units } from "./units.ts";

/** NVIDIA's daemon holds a device in the name of those who share it. */
const MPS_PROGRAMS: readonly string[] = ["nvidia-cuda-mps-server", "nvidia-cuda-mps-control"];
/** A program that is to be passed over has at most so much: beyond, it takes from jobs. */
const IGNORED_MEMORY_MB = 1_024;

/** Whose a process on a device is. */
export type Owner =
  | { readonly kind: "ours"; readonly unit: Occupant; readonly standing: Standing }
  | { readonly kind: "other-agent"; readonly unit: Occupant }
  | { readonly kind: "foreign" }
  /** It may be on any device: a screen's, or NVIDIA's daemon for sharing. */
  | { readonly kind: "ignored" }
  /** There is no such process as far as the agent sees: it has ended, or is in another pid namespace. */
  | { readonly kind: "unseen" }
  /** In a container, and the executor does not answer whose. */
  | { readonly kind: "undetermined" };

export interface OwnedProcess {
  readonly process: DriverProcess;
  readonly host: HostProcess | undefined;
  readonly owner: Owner;
}

export interface OwnerContext {
  readonly agentId: string;
  /** Names of programs that may be on any device. */
  readonly ignoredPrograms: readonly string[];
  readonly units: Units;
  readonly standings: Standings;
}

/** Whose each process is that the driver names. */
export function ownedProcesses(sighting: Sighting, context: OwnerContext): readonly OwnedProcess[] {
  const { processes = [], hostProcesses } = sighting;
  return processes.map((process) => {
    const host = hostProcesses.get(process.pid);
    return { process, host, owner: ownerOf(process, host, context) };
  });
}

function ownerOf(process: DriverProcess, host: HostProcess | undefined, context: OwnerContext): Owner {
  const { agentId, units, standings } = context;
  if (!host) return { kind: "unseen" };
  const unit = units.unitOf(host);
  if (unit) return unit.agentId === agentId ? ours(unit, standings) : { kind: "other-agent", unit };
  if (isPassedOver(process, host, context)) return { kind: "ignored" };
  return host.containerIds.length > 0 && !units.isFresh ? { kind: "undetermined" } : { kind: "foreign" };
}

function ours(unit: Occupant, standings: Standings): Owner {
  return { kind: "ours", unit, standing: standings.of(unit.key) };
}

function isPassedOver({ memoryMb = 0 }: DriverProcess, { command }: HostProcess, context: OwnerContext): boolean {
  if (MPS_PROGRAMS.includes(command)) return true;
  return context.ignoredPrograms.includes(command) && memoryMb <= IGNORED_MEMORY_MB;
}
