import type { Logger } from "../../../base/logger.ts";
import { cgroupsOf, isAlive } from "../process/proc-fs.ts";
import type { Occupant, ProcessId } from "../executor.ts";
import type { ContainerSummary, EngineClient } from "./engine-client.ts";
import { ANY_AGENT_LABEL, parseLabels } from "./labels.ts";

const RUNNING_STATES: readonly string[] = ["running", "paused", "restarting"];

/** The containers of all agents on the engine that run or may run again. */
export async function listOccupants(engine: Pick<EngineClient, "list">): Promise<readonly Occupant[]> {
  return (await engine.list(ANY_AGENT_LABEL)).flatMap((summary) => occupantOf(summary) ?? []);
}

function occupantOf({ Id, Labels, State }: ContainerSummary): Occupant | undefined {
  const labels = parseLabels(Labels);
  if (!labels) return undefined;
  const { agentId, key, deviceIds } = labels;
  return { id: Id, kind: "container", agentId, key, deviceIds, isRunning: RUNNING_STATES.includes(State) };
}

export interface ReapOptions {
  readonly engine: Pick<EngineClient, "inspect" | "kill">;
  readonly agentId: string;
  /** Asked again before anything is killed. */
  readonly isOver: () => boolean;
  readonly log: Logger;
}

/**
 * Kills a container by its id, which no other will ever have, once its labels have said again whose it is. What the engine does not
 * see any more is killed by its control group.
 */
export async function reapContainer(
  occupant: Occupant,
  processes: readonly ProcessId[],
  options: ReapOptions,
): Promise<boolean> {
  const { engine, agentId, isOver, log } = options;
  const details = await engine.inspect(occupant.id);
  const isOurs = details === undefined || parseLabels(details.Config.Labels)?.agentId === agentId;
  if (!isOurs || occupant.agentId !== agentId || !isOver()) return false;
  if (details && RUNNING_STATES.includes(details.State.Status)) return await engine.kill(occupant.id, "SIGKILL");
  let killed = false;
  for (const one of processes) {
    if (!(await isAlive(one)) || !cgroupsOf(one.pid).includes(occupant.id)) continue;
    killed = kill(one.pid, log) || killed;
  }
  return killed;
}

function kill(pid: number, log: Logger): boolean {
  try {
    return process.kill(pid, "SIGKILL");
  } catch (error) {
    log.warn({ err: error, pid }, "a process that is left of a container cannot be killed");
    return false;
  }
}
