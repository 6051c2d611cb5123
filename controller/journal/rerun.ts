/** A workload as the virtual cluster takes it, and what really became of it in the same form. */
import type { DeviceId, JobId } from "../../base/ids.ts";
import type { Inventory } from "../core/model/node.ts";
import type { Tenant } from "../core/model/tenant.ts";
import type { AttemptEnd, AttemptRecord, JobRecord } from "../replay/record.ts";
import type { ClusterEvent, ReplayJob, ReplayNode, ReplayTenant } from "../replay/workload.ts";
import type { AttemptRun } from "./run-times.ts";
import { type Certainty, fromBeginning, RuntimeGuess, runTruthOf } from "./run-truth.ts";
import type { NodeVersion, Submission, Workload } from "./workload.ts";

/** What is given to a virtual cluster. Times in milliseconds since the beginning of the journal. */
export interface Rerun {
  readonly events: readonly ClusterEvent[];
  /** Named by their ids, in the order of their submission. */
  readonly jobs: readonly ReplayJob[];
  /** How the running time of each job is known. */
  readonly certainty: ReadonlyMap<string, Certainty>;
  /** What really became of the jobs, as far as the journal goes. */
  readonly recorded: readonly JobRecord[];
}

/** Jobs that had been submitted before the journal begins are submitted at its beginning. */
export function rerunOf(workload: Workload): Rerun {
  const { beginsAt } = workload;
  const since = (at: number) => Math.max(0, at - beginsAt);
  const guess = new RuntimeGuess(workload.submissions);
  const certainty = new Map<string, Certainty>();
  const pairs = inOrder(workload.submissions).map((submission) => {
    const { certainty: known, ...truth } = runTruthOf(submission, guess, beginsAt);
    certainty.set(submission.jobId, known);
    const job = { ...jobOf(submission, since), ...truth };
    return { job, submission };
  });
  return {
    events: eventsOf(workload, since),
    jobs: pairs.map(({ job }) => job),
    certainty,
    recorded: pairs.map(({ job, submission }) => recordOf(job, submission, beginsAt)),
  };
}

/** By time, the jobs of an array beside each other. */
function inOrder(submissions: readonly Submission[]): readonly Submission[] {
  const groups = Map.groupBy(submissions, ({ arrayId, jobId }): JobId => arrayId ?? jobId);
  return [...groups.values()].flat();
}

function jobOf(submission: Submission, since: (at: number) => number): Omit<ReplayJob, "runMs"> {
  const { tenantId, dependsOn, notBefore, ...spec } = submission.spec;
  const { jobId, arrayId, at, cancelledAt } = submission;
  return {
    name: jobId,
    tenant: tenantId,
    submitMs: since(at),
    spec,
    ...(dependsOn === undefined ? {} : { after: dependsOn }),
    ...(notBefore === undefined ? {} : { notBeforeMs: since(notBefore) }),
    ...(cancelledAt === undefined ? {} : { cancelMs: since(cancelledAt) }),
    ...(arrayId === undefined ? {} : { array: arrayId }),
  };
}

function eventsOf(workload: Workload, since: (at: number) => number): readonly ClusterEvent[] {
  const names = new DeviceNames();
  const tenants = workload.tenants.map(({ at, tenant }): ClusterEvent => {
    return { atMs: since(at), kind: "tenant", tenant: tenantOf(tenant) };
  });
  const nodes = new Map<string, ReplayNode>();
  const joins = workload.nodes.map((version): ClusterEvent => {
    const node = nodeOf(version, names);
    nodes.set(node.name, node);
    return { atMs: since(version.at), kind: "join", node };
  });
  const absences = workload.absences.flatMap(({ node, from, until }): ClusterEvent[] => {
    const known = nodes.get(node);
    if (!known) return [];
    const leaves: ClusterEvent = { atMs: since(from), kind: "leave", node };
    return until === undefined ? [leaves] : [leaves, { atMs: since(until), kind: "join", node: known }];
  });
  return [...tenants, ...joins, ...absences].toSorted((a, b) => a.atMs - b.atMs);
}

function tenantOf(tenant: Tenant): ReplayTenant {
  const { id, limits, tier, allowPreemption, canPreemptOthers, active } = tenant;
  const { fairShareWeight, gpuHoursBudget, budgetWindowDays } = tenant;
  return {
    id,
    limits,
    tier,
    allowPreemption,
    canPreemptOthers,
    active,
    ...(fairShareWeight === undefined ? {} : { fairShareWeight }),
    ...(gpuHoursBudget === undefined ? {} : { gpuHoursBudget }),
    ...(budgetWindowDays === undefined ? {} : { budgetWindowDays }),
  };
}

function nodeOf({ node: name, inventory }: NodeVersion, names: DeviceNames): ReplayNode {
  const { devices, cpuCores, memoryMb } = inventory;
  const [first] = devices;
  return {
    name,
    gpus: devices.length,
    gpuModel: first?.model ?? "",
    gpuMemoryMb: first?.memoryMb ?? 0,
    cpuCores,
    memoryMb,
    inventory: names.rename(name, inventory),
  };
}

/** Devices by the names that they have in a virtual cluster: the node's, a slash, and a number that stays the device's own. */
class DeviceNames {
  readonly #byNode = new Map<string, Map<DeviceId, DeviceId>>();

  rename(node: string, inventory: Inventory): Inventory {
    const known = this.#byNode.get(node) ?? new Map<DeviceId, DeviceId>();
    this.#byNode.set(node, known);
    const devices = inventory.devices.map((device) => {
      const id = known.get(device.id) ?? (`${node}/${known.size}` as DeviceId);
      known.set(device.id, id);
      return { ...device, id };
    });
    return { ...inventory, devices };
  }
}

function recordOf(job: ReplayJob, submission: Submission, beginsAt: number): JobRecord {
  const { attempts, outcome, cancelledAt } = submission;
  const records = attempts.map((attempt, index): AttemptRecord => {
    const { checkpointsMs } = fromBeginning(attempt, beginsAt);
    const ended = recordedEnd(attempt, index === attempts.length - 1, outcome);
    const endMs = ended && Math.max(0, attempt.startedAt + attempt.runMs - beginsAt);
    const startMs = Math.max(0, attempt.startedAt - beginsAt);
    const savedMs = ended === "failed" ? 0 : (checkpointsMs.at(-1) ?? 0);
    return { startMs, shares: [], endMs, keptMs: ended === "over" ? (endMs ?? startMs) - startMs : savedMs, ended };
  });
  const isDropped = records.length === 0 && cancelledAt !== undefined;
  return { job, attempts: records, refusal: undefined, droppedMs: isDropped ? cancelledAt - beginsAt : undefined };
}

function recordedEnd(attempt: AttemptRun, isLast: boolean, outcome: Submission["outcome"]): AttemptEnd | undefined {
  const { end, isWhole } = attempt;
  if (isLast && outcome !== undefined) return outcome === "preempted" ? "cut-off" : "over";
  if (end === undefined) return undefined;
  if (isWhole) return "failed";
  return end.kind === "exited" ? "requeued" : "lost";
}
