import { present } from "../../base/assert.ts";
import { asJobId, asTenantId, type NodeName, type TenantId } from "../../base/ids.ts";
import { DAY_MS } from "../../base/time.ts";
import { chargePlaced } from "../core/budget.ts";
import { isHeld } from "../core/model/allocation.ts";
import type { Job, JobSpec } from "../core/model/job.ts";
import type { Kind } from "../core/model/kind.ts";
import type { Membership } from "../core/model/membership.ts";
import { type NodeRecord, silentNode } from "../core/model/node.ts";
import { type Settings, State } from "../core/model/state.ts";
import type { Tenant } from "../core/model/tenant.ts";
import { countDemand } from "../core/schedule/demand-mix.ts";
import { armDeadlines } from "../core/rank.ts";
import { ranFor } from "../core/transition.ts";
import type { Row, RowValue, StoreContents } from "../store/store.ts";
import { watchDrain } from "../core/drain.ts";
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
    state.ids.note(asTenantId(key));
  }
  for (const { value } of rows.get("membership") ?? []) state.mesh.add(rowAs<Membership>(value));
  for (const { value } of rows.get("node") ?? []) {
    const node = silentNode(rowAs<NodeRecord>(value), at);
    state.cluster.add(node);
    if (settings.waitsForNodes) state.unheard.add(node.record.name);
    watchSilence(state, node, at + settings.nodeUnreachableAfterMs);
    watchDrain(state, node);
  }
  for (const { key, value } of rows.get("spec") ?? []) state.specs.set(asJobId(key), rowAs<JobSpec>(value));
  const asked = askedBy(state, sortedByKey(rows.get("job") ?? []));
  const past = asked.flatMap((one) => pastOf(one) ?? []);
  const forgotten = [...state.tenants.values()].flatMap((tenant) => forgottenOf(tenant, at));
  const all = [...forgotten, ...past].sort(byTime);
  for (const one of all) takeIntoAccount(state, one);
  // Before the jobs, which wait with those that are predicted alike.
  state.history.addAll(runsOf(all));
  for (const one of asked) loadJob(state, one);
  state.past.sort();
  for (const job of state.alive()) if (job.allocations.some(isHeld)) chargePlaced(state, job);
  for (const job of state.alive()) if (job.phase === "running") armDeadlines(state, job, at);
  state.grow();
  return state;
}

/**
 * The state that the rows tell in the middle of a term, after a batch that could not be stored. What this term has heard of nodes
 * stays known, save of those that said hello in that batch, and whose hello is still to be taken.
 *
 * @param before the state with that batch in it
 */
export function recoverAmid(
  contents: StoreContents,
  at: number,
  before: State,
  greeting: ReadonlySet<NodeName>,
): State {
  const state = recover(contents, before.settings, at);
  for (const node of state.cluster.nodes) {
    const { name } = node.record;
    const was = before.nodes.get(name);
    if (!was || greeting.has(name)) continue;
    const { reach, session, lastHeardAt, echoedAt, heardSince, requeuesHeld } = was;
    node.reachesPeers = was.reachesPeers;
    const { executorReady, executorMessage, goodBeats, telemetry, conditions, throttling, hot } = was;
    Object.assign(node, { reach, session, lastHeardAt, echoedAt, heardSince, requeuesHeld });
    Object.assign(node, { executorReady, executorMessage, goodBeats, telemetry, conditions, throttling, hot });
    for (const [leftover, devices] of was.leftovers) node.leftovers.set(leftover, devices);
    if (!before.unheard.has(name)) state.unheard.delete(name);
    state.touch(node);
  }
  for (const [id, progress] of before.progress)
    if (state.jobs.get(id)?.phase === "starting") state.progress.set(id, progress);
  return state;
}

/** A job, and what it asks for. */
interface Asked {
  readonly job: Job;
  readonly spec: JobSpec;
  readonly kind: Kind;
}

/** In the order of rows. Each job's spec is looked up once: there may be hundreds of thousands. */
function askedBy({ specs, kinds }: State, rows: readonly Row[]): readonly Asked[] {
  // Equal specs may be one value.
  const known = new Map<JobSpec, Kind>();
  return rows.map(({ value }) => {
    const job = rowAs<Job>(value);
    const spec = present(specs.get(job.array?.id ?? job.id), "spec of", job.id);
    let kind = known.get(spec);
    if (!kind) {
      kind = kinds.of(spec);
      known.set(spec, kind);
    }
    return { job, spec, kind };
  });
}

function loadJob(state: State, { job, kind }: Asked): void {
  state.ids.note(job.id);
  state.putJob(job);
  countDemand(state.scheduling.mix, kind);
  if (job.phase === "held" && job.hold.kind !== "dependencies") {
    state.deadlines.add({ at: job.hold.until, kind: "job", jobId: job.id });
  }
  if (job.phase === "queued" && job.claim) state.deadlines.add({ at: job.claim.until, kind: "job", jobId: job.id });
}

/** Attempts that are over: those of a job, or on a day of jobs that are not kept any more. */
interface Past {
  readonly tenantId: TenantId;
  /** The job, or the day. */
  readonly name: string;
  readonly asked?: Asked;
  readonly spentGpuMs: number;
  readonly since: number;
  /** When the newest of them ended. */
  readonly until: number;
}

function pastOf(asked: Asked): Past | undefined {
  const { job } = asked;
  const { id: name, tenantId, spentGpuMs = 0, placedAt } = job;
  if (job.phase !== "finished" && job.spentGpuMs === undefined) return undefined;
  const until = job.phase === "finished" ? job.finishedAt : (gaveWayAt(job) ?? placedAt ?? job.submittedAt);
  return { tenantId, name, asked, spentGpuMs, since: Math.min(placedAt ?? until, until), until };
}

/** When its last attempt was over, of a job that is to be tried again. */
function gaveWayAt({ history }: Job): number | undefined {
  return history.findLast(({ kind }) => kind === "requeued" || kind === "preempted")?.at;
}

/** Each day's use as if all of it had been at the day's end: no budget is given back before its time. */
function forgottenOf({ id: tenantId, forgotten = [] }: Tenant, at: number): Past[] {
  return forgotten.map(([day, spentGpuMs]) => {
    const until = Math.min(at, (day + 1) * DAY_MS - 1);
    return { tenantId, name: `${tenantId} day ${day}`, spentGpuMs, since: until, until };
  });
}

function byTime(a: Past, b: Past): number {
  return a.until - b.until || (a.name < b.name ? -1 : 1);
}

/** What jobs that have ended tell of the next ones, the newest first. */
function* runsOf(past: readonly Past[]) {
  for (const { asked } of past.toReversed()) {
    const ranMs = asked?.job.phase === "finished" ? ranFor(asked.job) : undefined;
    if (asked && ranMs !== undefined) yield { spec: asked.spec, shape: asked.kind.shape, ranMs };
  }
}

/** What attempts that are over cost their tenant. */
function takeIntoAccount(state: State, { tenantId, spentGpuMs, since, until }: Past): void {
  if (spentGpuMs > 0) state.use.settle(tenantId, 0, spentGpuMs, since, until);
}

function sortedByKey(rows: readonly Row[]): readonly Row[] {
  return [...rows].sort((a, b) => (a.key < b.key ? -1 : 1));
}

/** Rows hold what the core wrote; what a field that is absent means, the core's types say. */
function rowAs<T>(value: RowValue): T {
  return value as T;
}
