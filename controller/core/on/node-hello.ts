import { allocationName } from "../../../base/ids.ts";
import type { InputOf } from "../input.ts";
import { isHeld } from "../model/allocation.ts";
import type { JobIn } from "../model/job.ts";
import { type Node, type NodeRecord, silentNode } from "../model/node.ts";
import type { State } from "../model/state.ts";
import { sendMembership, watchMembership } from "../membership.ts";
import type { Output } from "../output.ts";
import { tellLaunch, tellStop } from "../tell.ts";
import { endRank } from "../rank.ts";
import { keyOf, note } from "../transition.ts";
import { takeConditions, takeExecutor } from "../node-health.ts";
import { applyReport } from "./allocation-report.ts";
import { watchSilence } from "../watch-silence.ts";

/**
 * A node introduces itself on a new stream. Its record is kept, and the ledger and the node are brought in step: what it
 * reports is taken over, what it should run and does not know is launched (if it never ran) or ended (if it did).
 */
export function onNodeHello(state: State, input: InputOf<"node-hello">, out: Output): void {
  const { at, session } = input;
  const before = state.nodes.get(input.node);
  const refusal = before && impostorProblem(before, input);
  if (refusal) {
    out.tell({ kind: "reject", node: input.node, session, reason: refusal });
    return;
  }
  const highestHello = newerHello(before, input);
  if (highestHello !== undefined) {
    const reason = `hello ${input.number ?? 0} came late: node ${input.node} has said hello ${highestHello} since`;
    out.tell({ kind: "reject", node: input.node, session, reason, highestHello });
    return;
  }
  const record: NodeRecord = {
    name: input.node,
    agentId: input.agentId,
    bootId: input.bootId,
    ...(input.number === undefined ? {} : { helloNumber: input.number }),
    registeredAt: before?.record.registeredAt ?? at,
    inventory: input.inventory,
    ...(before?.record.cordon ? { cordon: before.record.cordon } : {}),
    ...(before?.record.deviceWords ? { deviceWords: before.record.deviceWords } : {}),
    ...(before?.record.confirmedDead ? { confirmedDead: before.record.confirmedDead } : {}),
    ...membershipsOf(before, input),
  };
  const node = before ?? silentNode(record, at);
  const rebooted = before !== undefined && before.record.bootId !== input.bootId;
  const wasSilent = before !== undefined && before.reach !== "online";
  node.record = record;
  node.session = session;
  node.reach = "online";
  node.lastHeardAt = at;
  takeExecutor(node, input.executor);
  takeConditions(node, input.conditions);
  node.requeuesHeld = undefined;
  node.leftovers.clear();
  if (!before) state.cluster.add(node);
  state.touch(node);
  watchSilence(state, node, at + state.settings.nodeUnreachableAfterMs);
  out.write({ table: "node", key: input.node, value: record });
  out.tell({ kind: "welcome", node: input.node, session, at });
  sendMembership(state, node, out);
  const { inventory, memberships } = node.record;
  const mayMatter =
    inventory.peerAddress !== undefined || memberships !== undefined || state.mesh.current !== undefined;
  if (mayMatter) watchMembership(state, at);

  for (const report of input.allocations) applyReport(state, node, report, out, at);
  const known = new Set(input.allocations.map((report) => allocationName(report.key)));
  reconcileUnreported(state, node, known, rebooted, out, at);
  state.unheard.delete(input.node);
  if (wasSilent) noteReturn(state, node, out, at);
}

/** Why this agent cannot be the node it says it is; undefined when it can. */
function impostorProblem(node: Node, input: InputOf<"node-hello">): string | undefined {
  if (node.record.agentId === input.agentId) return undefined;
  if (node.session !== undefined) {
    return `another agent is connected as node ${input.node}; give this one another --node-name`;
  }
  if (node.jobs.size > 0) {
    return (
      `node ${input.node} still holds jobs of another agent; start that agent on its former --data-dir, ` +
      "or give this one another --node-name"
    );
  }
  return undefined;
}

/**
 * The number of a later Hello of the same agent, undefined when this one is the newest. One that was held up somewhere, when
 * the agent has given its stream up and speaks on another, does not know what was launched since.
 */
function newerHello(node: Node | undefined, input: InputOf<"node-hello">): number | undefined {
  const { agentId, helloNumber = 0 } = node?.record ?? {};
  return agentId === input.agentId && (input.number ?? 0) <= helloNumber && helloNumber > 0 ? helloNumber : undefined;
}

/** By which memberships the agent may go now: what it says it has, and what it may still have been sent since. */
function membershipsOf(node: Node | undefined, input: InputOf<"node-hello">): Pick<NodeRecord, "memberships"> {
  const acknowledged = input.membership ?? 0;
  const known = node?.record.agentId === input.agentId ? (node.record.memberships?.sent ?? []) : [];
  const sent = known.filter((version) => version > acknowledged);
  return acknowledged === 0 && sent.length === 0 ? {} : { memberships: { acknowledged, sent } };
}

/** Ranks that the ledger has on this node and the node did not speak of. */
function reconcileUnreported(
  state: State,
  node: Node,
  known: ReadonlySet<string>,
  rebooted: boolean,
  out: Output,
  at: number,
): void {
  for (const jobId of [...node.jobs.keys()]) {
    const job = state.job(jobId);
    if (job.phase !== "starting" && job.phase !== "running" && job.phase !== "stopping") continue;
    for (const allocation of job.allocations) {
      if (allocation.node !== node.record.name || !isHeld(allocation)) continue;
      if (known.has(allocationName(keyOf(job, allocation)))) {
        if (job.phase === "stopping") tellStop(state, out, job, allocation);
      } else if (job.phase === "starting" && allocation.state.phase === "assigned" && !rebooted) {
        tellLaunch(state, out, job, allocation);
      } else {
        endLost(state, job, allocation.rank, rebooted, out, at);
      }
    }
  }
}

function endLost(
  state: State,
  job: JobIn<"starting" | "running" | "stopping">,
  rank: number,
  rebooted: boolean,
  out: Output,
  at: number,
): void {
  const { state: rankState, node } = job.allocations[rank] ?? {};
  const startedAt = rankState && rankState.phase !== "assigned" ? rankState.startedAt : undefined;
  const message = rebooted ? `node ${node} was rebooted` : `node ${node} no longer knows the job`;
  endRank(state, out, job, { rank, startedAt, endedAt: at, end: { kind: "node", message } }, at);
}

function noteReturn(state: State, node: Node, out: Output, at: number): void {
  for (const jobId of [...node.jobs.keys()]) {
    const job = state.job(jobId);
    const last = job.history.at(-1);
    if (last?.kind === "node-unreachable")
      note(state, out, job, "node-returned", `node ${node.record.name} is back`, at);
  }
}
