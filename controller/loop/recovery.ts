import { asJobId, asNodeName, asTenantId } from "../../base/ids.ts";
import type { Job, JobSpec } from "../core/model/job.ts";
import { type NodeRecord, silentNode } from "../core/model/node.ts";
import { type Settings, State } from "../core/model/state.ts";
import type { Tenant } from "../core/model/tenant.ts";
import { armTimeLimit } from "../core/transition.ts";
import type { Row, RowValue, StoreContents } from "../store/store.ts";
import { watchSilence } from "../core/watch-silence.ts";

/**
 * The state that the rows tell. Every node starts silent, its clock at `at`: a new term gives each the full time to come
 * back. Rows were checked by the store (checksums, format), so that their shape is trusted here.
 */
export function recover(contents: StoreContents, settings: Settings, at: number): State {
  const state = new State(settings);
  const rows = Map.groupBy(contents.rows, (row) => row.table);
  for (const { key, value } of rows.get("tenant") ?? []) {
    state.tenants.set(asTenantId(key), rowAs<Tenant>(value));
    state.noteId(asTenantId(key));
  }
  for (const { key, value } of rows.get("node") ?? []) {
    const node = silentNode(rowAs<NodeRecord>(value), at);
    state.nodes.set(asNodeName(key), node);
    watchSilence(state, node, at + settings.nodeUnreachableAfterMs);
  }
  for (const { key, value } of rows.get("spec") ?? []) state.specs.set(asJobId(key), rowAs<JobSpec>(value));
  for (const row of sortedByKey(rows.get("job") ?? [])) loadJob(state, rowAs<Job>(row.value));
  state.needsPass = true;
  return state;
}

function loadJob(state: State, job: Job): void {
  state.noteId(job.id);
  state.putJob(job);
  if (job.phase === "held") state.deadlines.add({ at: job.until, kind: "job", jobId: job.id });
  if (job.phase === "running") armTimeLimit(state, job);
}

function sortedByKey(rows: readonly Row[]): readonly Row[] {
  return [...rows].sort((a, b) => (a.key < b.key ? -1 : 1));
}

/** Rows hold what the core wrote; what a field that is absent means, the core's types say. */
function rowAs<T>(value: RowValue): T {
  return value as T;
}
