import { RequestError } from "../../base/errors.ts";
import { asDeviceId, asNodeName, asTenantId, type JobId } from "../../base/ids.ts";
import type { AllocationReport, Input, Unstamped } from "../../controller/core/input.ts";
import type { JobSpec } from "../../controller/core/model/job.ts";
import { DEFAULT_POLICY } from "../../controller/core/model/policy.ts";
import { type Settings, State } from "../../controller/core/model/state.ts";
import { Output } from "../../controller/core/output.ts";
import { schedule } from "../../controller/core/schedule/pass.ts";
import { step } from "../../controller/core/step.ts";

export const GPUS_PER_NODE = 8;
const SETTINGS: Settings = { nodeUnreachableAfterMs: 15_000, nodeLostAfterMs: 300_000, policy: DEFAULT_POLICY };
const START_MS = 1_700_000_000_000;
const TENANT = asTenantId("tenant-1");
const EXECUTOR = { ready: true, message: "" };
const EXITED: AllocationReport["state"] = {
  phase: "ended",
  endedAt: 0,
  end: { kind: "exited", exitCode: 0, outOfMemory: false, message: "" },
};

/** The controller's core with nodes of eight GPUs and nothing around it: no clock, no store, no network. */
export class CoreCluster {
  readonly state = new State(SETTINGS, START_MS);
  /** The jobs that run, oldest first. */
  readonly #running = new Map<JobId, { readonly node: string; readonly report: AllocationReport }>();
  #now = START_MS;

  constructor(nodes: number) {
    this.apply([{ kind: "create-tenant", id: TENANT, tenant: { name: "bench", limits: {} } }]);
    this.apply(Array.from({ length: nodes }, (_, index) => hello(index)));
  }

  get gpus(): number {
    return this.state.nodes.size * GPUS_PER_NODE;
  }

  get running(): number {
    return this.#running.size;
  }

  /** One batch as the loop runs it: every input, then one pass. */
  apply(inputs: readonly Unstamped<Input>[]): Output {
    this.#now += 1;
    const out = new Output();
    for (const input of inputs) {
      const answer = step(this.state, { ...input, at: this.#now }, out);
      if (answer instanceof RequestError) throw answer;
    }
    schedule(this.state, out, this.#now);
    return out;
  }

  /** The nodes obey: what was launched runs, and they say so. */
  obey(out: Output): void {
    const reports: Unstamped<Input>[] = [];
    for (const effect of out.effects) {
      if (effect.kind !== "launch") continue;
      const { job, allocation, node } = effect;
      const key = { jobId: job.id, attempt: job.attempt, rank: allocation.rank };
      const report = { key, devices: allocation.devices, state: EXITED };
      this.#running.set(job.id, { node, report });
      reports.push(reportInput(node, { ...report, state: { phase: "running", startedAt: this.#now } }));
    }
    if (reports.length > 0) this.apply(reports);
  }

  /** What the oldest running jobs' nodes say when these have ended. */
  ends(count: number): Unstamped<Input>[] {
    const reports: Unstamped<Input>[] = [];
    for (const [id, { node, report }] of this.#running) {
      if (reports.length === count) break;
      this.#running.delete(id);
      reports.push(reportInput(node, report));
    }
    return reports;
  }
}

/** A submission of a job with one GPU. */
export function submission(spec: Partial<JobSpec> = {}): Unstamped<Input> {
  return {
    kind: "submit-job",
    spec: { tenantId: TENANT, name: "job", gpuCount: 1, script: "python train.py", ...spec },
  };
}

function reportInput(node: string, report: AllocationReport): Unstamped<Input> {
  return { kind: "allocation-report", session: sessionOf(node), node: asNodeName(node), report };
}

function sessionOf(node: string): number {
  return Number(node.slice("node-".length));
}

function hello(index: number): Unstamped<Input> {
  const name = `node-${index + 1}`;
  return {
    kind: "node-hello",
    session: sessionOf(name),
    node: asNodeName(name),
    agentId: name,
    bootId: "boot",
    inventory: {
      devices: Array.from({ length: GPUS_PER_NODE }, (_, gpu) => ({
        id: asDeviceId(`GPU-${name}-${gpu}`),
        model: "NVIDIA H100 80GB HBM3",
        memoryMb: 81_559,
        index: gpu,
        pciBusId: "",
      })),
      cpuCores: 128,
      memoryMb: 2_000_000,
      labels: {},
      executor: "process",
      deviceSource: "simulated",
      deviceSourceReason: "",
      driverVersion: "",
      agentVersion: "",
      address: name,
      gpuGrant: "none",
      gpuGrantReason: "",
    },
    executor: EXECUTOR,
    allocations: [],
  };
}
