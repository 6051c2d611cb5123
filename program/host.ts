/** What this host offers, for those who started the program without saying what to use. */
import { request } from "node:http";
import { once } from "node:events";
import { discoverDevices } from "../agent/devices/discover.ts";
import type { Logger } from "../base/logger.ts";
import { SECOND_MS } from "../base/time.ts";
import { SIMULATED_GPU_MEMORY_MB, type SimulatedGpus } from "./options.ts";

const DOCKER_DEADLINE_MS = 2 * SECOND_MS;
const DEFAULT_SIMULATION: SimulatedGpus = { count: 4, memoryMb: SIMULATED_GPU_MEMORY_MB };

/** The GPUs to simulate: those asked for, else four if the host has none. The note says so to the user. */
export async function chooseGpus(
  asked: SimulatedGpus | undefined,
  log: Logger,
): Promise<{ simulate: SimulatedGpus | undefined; note?: string }> {
  if (asked) return { simulate: asked };
  const source = await discoverDevices({ simulateGpus: undefined, log });
  await source.close();
  // A driver that is there but fails is no reason to pretend: its GPUs are out of order.
  if (source.name !== "none") return { simulate: undefined };
  return {
    simulate: DEFAULT_SIMULATION,
    note: "no GPU was found on this host (--simulate-gpus sets how many to simulate)",
  };
}

/** What runs jobs: the executor asked for, else Docker if it answers, else processes. The note says so to the user. */
export async function chooseExecutor(
  asked: "docker" | "process" | undefined,
  dockerSocket: string,
): Promise<{ name: "docker" | "process"; note?: string }> {
  if (asked) return { name: asked };
  if (await dockerAnswers(dockerSocket)) return { name: "docker" };
  const note = `Docker does not answer at ${dockerSocket}: jobs run without containers and images`;
  return { name: "process", note };
}

async function dockerAnswers(socketPath: string): Promise<boolean> {
  const ping = request({ socketPath, path: "/_ping", signal: AbortSignal.timeout(DOCKER_DEADLINE_MS) });
  try {
    ping.end();
    const [response] = await once(ping, "response");
    response.resume();
    return response.statusCode === 200;
  } catch {
    // No socket, no right to use it, or no answer in time: all the same to a newcomer.
    return false;
  }
}
