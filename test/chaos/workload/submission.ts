/** The jobs that are asked for. */
import { TEST_IMAGE } from "../../support/docker-engine.ts";
import type { Random } from "../../support/random.ts";
import { CONTAINER_SCRIPT, SCRIPT } from "./job-script.ts";

const MOST_TICKS = 10;
/** Of the jobs of tenants without limits, those that outlive a lease: what becomes of them on a host that is away is for its guard to see to. */
const LONG_SHARE = 0.25;
const LONG_TICKS = [40, 100] as const;
/** More than any run has time for. */
const ENDLESS_TICKS = 1_000_000;

/** A job that was asked for. */
export interface Submission {
  readonly name: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly exitCode: number;
  /** It runs as a container, which cannot note what it does. */
  readonly isContainer: boolean;
  /** Users leave it alone. */
  readonly isSteady: boolean;
  /** Set once it is acknowledged. */
  id: string | undefined;
  isCancelled: boolean;
  hasEnded: boolean;
}

interface Wanted {
  readonly name: string;
  readonly tenant: string | undefined;
  /** Where jobs note what they do. */
  readonly notes: string;
}

/** A job as chance will have it: of any size, with any end, a process or a container. */
export function inventJob(
  wanted: Wanted & {
    readonly random: Random;
    readonly gpusPerNode: number;
    readonly hasContainers: boolean;
    readonly mayBeLong: boolean;
  },
): Submission {
  const { random, gpusPerNode, hasContainers, mayBeLong } = wanted;
  const exitCode = random.next() < 0.85 ? 0 : random.between(1, 100);
  const dice = random.next();
  const isContainer = hasContainers && dice > 0.8;
  const gpus = dice < 0.1 ? gpusPerNode + 1 : random.between(0, gpusPerNode);
  return jobOf(wanted, {
    gpus,
    isContainer,
    exitCode,
    isSteady: false,
    isGang: gpus > gpusPerNode,
    ticks: mayBeLong && random.next() < LONG_SHARE ? random.between(...LONG_TICKS) : random.between(1, MOST_TICKS),
  });
}

/** A job that goes on until it is cancelled. */
export function steadyJob(wanted: Wanted & { readonly isContainer?: boolean; readonly gpus?: number }): Submission {
  const { isContainer = false, gpus = 1 } = wanted;
  return jobOf(wanted, { gpus, isContainer, exitCode: 0, isSteady: true, isGang: false, ticks: ENDLESS_TICKS });
}

function jobOf(
  { name, tenant, notes }: Wanted,
  run: { gpus: number; isContainer: boolean; isSteady: boolean; exitCode: number; isGang: boolean; ticks: number },
): Submission {
  const { gpus, isContainer, isSteady, exitCode } = run;
  const environment = { CHAOS_TICKS: String(run.ticks), CHAOS_EXIT: String(exitCode) };
  const body = {
    tenant_id: tenant,
    name,
    gpu_count: gpus,
    cpu_cores: Math.max(1, gpus),
    memory_mb: 64,
    preemption_grace_seconds: 2,
    on_node_lost: "requeue",
    ...(run.isGang && { gang_scheduling: true }),
    ...(isContainer
      ? { image: TEST_IMAGE, node_selector: { runs: "containers" }, script: CONTAINER_SCRIPT, environment }
      : { script: SCRIPT, environment: { ...environment, CHAOS_DIR: notes } }),
  };
  return { name, body, exitCode, isContainer, isSteady, id: undefined, isCancelled: false, hasEnded: false };
}
