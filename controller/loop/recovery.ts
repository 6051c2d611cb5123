import { asJobId, asTenantId } from "../../base/ids.ts";
import { chargePlaced } from "../core/budget.ts";
import type { Job, JobIn, JobSpec } from "../core/model/job.ts";
import { type NodeRecord, silentNode } from "../core/model/node.ts";
import { type Settings, State } from "../core/model/state.ts";
import type { Tenant } from "../core/model/tenant.ts";
import { countDemand } from "../core/schedule/demand-mix.ts";
import { armDeadlines, noteRuntime } from "../core/transition.ts";
import type { Row, RowValue, StoreContents } from "../store/store.ts";
import { watchSilence } from "../core/watch-silence.ts";

/**
 * The state that the rows tell. Every node starts silent, its clock at `at`: a new term gives each the full time to come
 * back. Rows were checked by the store (checksums, format), so that their shape is trusted here.
 */
export function recover(contents: StoreContents, settings: Settings, at: number): State {
  const state = new State(settings, at);
  const rows = Map.groupBy(contents.rows, (row) => row.table);
  for (const { key, value } of rows.get("tenant") ?? []) {
    state.tenants.set(asTenantId(key), rowAs<Tenant>(value));
    state.noteId(asTenantId(key));
  }
  for (const { value } of rows.get("node") ?? []) {
    const node = silentNode(rowAs<NodeRecord>(value), at);
    state.cluster.add(node);
    watchSilence(state, node, at + settings.nodeUnreachableAfterMs);
  }
  for (const { key, value } of rows.get("spec") ?? []) state.specs.set(asJobId(key), rowAs<JobSpec>(value));
  for (const row of sortedByKey(rows.get("job") ?? [])) loadJob(state, rowAs<Job>(row.value), at);
  for (const job of finishedInOrder(state)) takeIntoAccount(state, job);
  state.grow();
  return state;
}

function loadJob(state: State, job: Job, at: number): void {
  state.noteId(job.id);
  state.putJob(job);
  countDemand(state.scheduling.mix, state.kindOf(job.id));
  if (job.phase === "held" && job.hold.kind !== "dependencies") {
    state.deadlines.add({ at: job.hold.until, kind: "job", jobId: job.id });
  }
  if (job.phase === "queued" && job.claim) state.deadlines.add({ at: job.claim.until, kind: "job", jobId: job.id });
  if (job.phase === "running") armDeadlines(state, job, at);
  if (job.phase === "starting" || job.phase === "running" || job.phase === "stopping") chargePlaced(state, job);
}

function finishedInOrder(state: State): readonly JobIn<"finished">[] {
  const finished = [...state.jobs.values()].filter((job) => job.phase === "finished");
  return finished.sort((a, b) => a.finishedAt - b.finishedAt || (a.id < b.id ? -1 : 1));
}

/** What a job that has ended tells of the next ones, and what it cost its tenant. */
function takeIntoAccount(state: State, job: JobIn<"finished">): void {
  noteRuntime(state, job);
  const spent = job.spentGpuMs ?? 0;
  if (spent > 0) state.use.settle(job.tenantId, 0, spent, job.placedAt ?? job.finishedAt, job.finishedAt);
}

function sortedByKey(rows: readonly Row[]): readonly Row[] {
  return [...rows].sort((a, b) => (a.key < b.key ? -1 : 1));
}

/** Rows hold what the core wrote; what a field that is absent means, the core's types say. */
function rowAs<T>(value: RowValue): T {
  return value as T;
}
