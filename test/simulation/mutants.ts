import type { Mutant } from "./mutant.ts";
import { MESH_MUTANTS } from "./mutants-mesh.ts";

const AGENT = "agent/core";
const CORE = "controller/core";

/** Bugs that the simulator must find, each of which somebody could make tomorrow. */
export const MUTANTS: readonly Mutant[] = [
  {
    name: "an agent obeys a new term before it is on its disk",
    file: `${AGENT}/commands.ts`,
    find: "if (term <= state.durable.highestTerm) return obey(",
    replace: "if (term >= 0) return obey(",
  },
  {
    name: "a command that waits for the disk is obeyed after its stream has gone",
    file: `${AGENT}/step.ts`,
    find: "state.waiting = [];",
    replace: "",
  },
  {
    name: "a launch that is repeated forgets what was known",
    file: `${AGENT}/commands.ts`,
    find: "if (known) return void",
    replace: 'if (known?.state.phase === "starting") return void',
  },
  {
    name: "an agent does not stop what it is told to stop",
    file: `${AGENT}/commands.ts`,
    find: 'effects.push({ kind: "stop", key, graceMs, reason });',
    replace: "",
  },
  {
    name: "an agent does not carry a release out",
    file: `${AGENT}/commands.ts`,
    find: 'effects.push({ kind: "release", key });',
    replace: "",
  },
  {
    name: "an agent never fences",
    file: `${AGENT}/lease.ts`,
    find: "return fenceAt !== undefined && atMs >= fenceAt;",
    replace: "return fenceAt !== undefined && atMs < 0;",
  },
  {
    name: "an agent fences what waits for its node",
    file: `${AGENT}/lease.ts`,
    find: "if (!allocation.requeueOnNodeLost || allocation.fencedAtMs !== undefined) return false;",
    replace: "if (allocation.fencedAtMs !== undefined) return false;",
  },
  {
    name: "an agent takes its lease to last half as long again",
    file: `${AGENT}/vouching.ts`,
    find: "return state.leaseFromMs + leaseMs * (1 - CLOCK_RATE_MARGIN) - KILL_MARGIN_MS;",
    replace: "return state.leaseFromMs + leaseMs * 1.5;",
  },
  {
    name: "the lease has no margin for clocks",
    file: `${AGENT}/vouching.ts`,
    find: "return state.leaseFromMs + leaseMs * (1 - CLOCK_RATE_MARGIN) - KILL_MARGIN_MS;",
    replace: "return state.leaseFromMs + leaseMs;",
  },
  {
    name: "any heartbeat prolongs the lease, answered or not",
    file: `${AGENT}/lease.ts`,
    find: "state.heartbeats.set(sequence, atMs);",
    replace: "state.heartbeats.set(sequence, atMs); prolongLease(state, atMs);",
  },
  {
    name: "a lease begins anew with its agent",
    file: `${AGENT}/state.ts`,
    find: "memory.leaseFrom?.bootId === bootId ?",
    replace: "memory.leaseFrom?.bootId === `${bootId}!` ?",
  },
  {
    name: "the disk is never told that the lease began later, and an agent that restarts fences at once",
    file: `${AGENT}/lease.ts`,
    find: "if (leaseMs > 0 && isFar) remember(state, {}, effects);",
    replace: "",
  },
  {
    name: "Hellos are numbered anew when the agent restarts",
    file: `${AGENT}/step.ts`,
    find: "remember(state, { life: (state.memory.life ?? 0) + 1 }, effects);",
    replace: "remember(state, { life: 1 }, effects);",
  },
  {
    name: "a fence is told as the job's own end",
    file: `${AGENT}/step.ts`,
    find: "known.state = known.fencedAtMs === undefined ? next : withFencedEnd(next);",
    replace: "known.state = next;",
  },
  {
    name: "a Hello leaves out what has ended",
    file: `${AGENT}/state.ts`,
    find: "return [...state.allocations.values()].map(reportOf);",
    replace:
      'return [...state.allocations.values()].filter(({ state: { phase } }) => phase !== "ended").map(reportOf);',
  },
  {
    name: "a Hello leaves out what runs",
    file: `${AGENT}/state.ts`,
    find: "return [...state.allocations.values()].map(reportOf);",
    replace:
      'return [...state.allocations.values()].filter(({ state: { phase } }) => phase !== "running").map(reportOf);',
  },
  {
    name: "effects leave before the commit",
    file: "controller/loop/loop.ts",
    find: "await committed;",
    replace: "void committed?.catch((error: unknown) => this.#fail(error));",
  },
  {
    name: "an answer is given before the commit",
    file: "controller/loop/loop.ts",
    find: "await committed;",
    replace: "for (const [index, letter] of letters.entries()) answer(letter, result.answers[index]); await committed;",
  },
  {
    name: "a term goes on after a commit that failed",
    file: "controller/loop/loop.ts",
    find: "await committed;",
    replace: "await committed?.catch(() => {});",
  },
  {
    name: "a commit does not compare the term",
    file: "test/simulation/model-store.ts",
    find: "if (this.#leaderNow()?.term !== term) throw",
    replace: "if (term < 0) throw",
  },
  {
    name: "a lost node's jobs are requeued too early",
    file: `${CORE}/on/tick.ts`,
    find: "if (silentMs >= nodeLostAfterMs) {",
    replace: "if (silentMs >= nodeLostAfterMs * 0.6) {",
  },
  {
    name: "jobs that wait for their node are requeued with the others",
    file: `${CORE}/on/tick.ts`,
    find: "heldRanks(state, node).filter(({ allocation }) => allocation.movesWhenLost);",
    replace: "heldRanks(state, node);",
  },
  {
    name: "the agent is not told what is requeued when its node is lost",
    file: "controller/rpc/translate/agent.ts",
    find: "requeue_on_node_lost: allocation.movesWhenLost,",
    replace: "requeue_on_node_lost: false,",
  },
  {
    name: "the lease that is granted is longer than a node may be silent",
    file: "controller/rpc/agent-links.ts",
    find: "lease_ms: leadership.settings.nodeLostAfterMs,",
    replace: "lease_ms: leadership.settings.nodeLostAfterMs * 2,",
  },
  {
    name: "a new term counts a node's silence from before its election",
    file: "controller/loop/recovery.ts",
    find: "const node = silentNode(rowAs<NodeRecord>(value), at);",
    replace: "const node = silentNode(rowAs<NodeRecord>(value), at - settings.nodeLostAfterMs / 2);",
  },
  {
    name: "a new term does not watch for nodes that never come back",
    file: "controller/loop/recovery.ts",
    find: "watchSilence(state, node, at + settings.nodeUnreachableAfterMs);",
    replace: "void watchSilence;",
  },
  {
    name: "a new term forgets when held jobs may go on",
    file: "controller/loop/recovery.ts",
    find: 'if (job.phase === "held" && job.hold.kind !== "dependencies") {',
    replace: 'if (job.phase === "held" && job.hold.kind === "dependencies" && false) {',
  },
  {
    name: "a new term forgets time limits",
    file: "controller/loop/recovery.ts",
    find: 'if (job.phase === "running") armDeadlines(state, job, at);',
    replace: "void armDeadlines;",
  },
  {
    name: "the end of an allocation is not answered with its release",
    file: `${CORE}/on/allocation-report.ts`,
    find: "tellRelease(state, out, name, report.key);",
    replace: "",
  },
  {
    name: "reports of earlier attempts count",
    file: `${CORE}/on/allocation-report.ts`,
    find: "if (!job || job.attempt !== key.attempt) return undefined;",
    replace: "if (!job || job.attempt < key.attempt) return undefined;",
  },
  {
    name: "an attempt that is over is not released",
    file: `${CORE}/on/allocation-report.ts`,
    find: "if (known) tellRelease(state, out, node.record.name, report.key);",
    replace: "",
  },
  {
    name: "a Hello that comes late is believed",
    file: `${CORE}/on/node-hello.ts`,
    find: "if (highestHello !== undefined) {",
    replace: "if (highestHello === -1) {",
  },
  {
    name: "a leader does not store the number of a Hello",
    file: `${CORE}/on/node-hello.ts`,
    find: "...(input.number === undefined ? {} : { helloNumber: input.number }),",
    replace: "",
  },
  {
    name: "a changed boot id says nothing",
    file: `${CORE}/on/node-hello.ts`,
    find: "before.record.bootId !== input.bootId",
    replace: 'before.record.bootId === ""',
  },
  {
    name: "a node that returns is not told again to stop",
    file: `${CORE}/on/node-hello.ts`,
    find: 'if (job.phase === "stopping") tellStop(state, out, job, allocation);',
    replace: "void tellStop;",
  },
  {
    name: "a node that returns is not told again to launch",
    file: `${CORE}/on/node-hello.ts`,
    find: "tellLaunch(state, out, job, allocation);",
    replace: "void tellLaunch;",
  },
  {
    name: "what a node no longer knows is taken to run",
    file: `${CORE}/on/node-hello.ts`,
    find: "endLost(state, job, allocation.rank, rebooted, out, at);",
    replace: "void endLost;",
  },
  {
    name: "an attempt's number is used again",
    file: `${CORE}/transition.ts`,
    find: "attempt: job.attempt + 1,",
    replace: "attempt: Math.max(1, job.attempt),",
  },
  {
    name: "only the first rank of a gang is launched",
    file: `${CORE}/transition.ts`,
    find: "for (const allocation of placed.allocations) tellLaunch(state, out, placed, allocation);",
    replace: "for (const allocation of placed.allocations.slice(0, 1)) tellLaunch(state, out, placed, allocation);",
  },
  {
    name: "when a rank fails the others go on",
    file: `${CORE}/transition.ts`,
    find: "tellStop(state, out, stopping, allocation);",
    replace: "void tellStop;",
  },
  {
    name: "a host that is confirmed dead keeps the jobs that would wait for it",
    file: `${CORE}/on/confirm-node-dead.ts`,
    find: "ranks: heldRanks(state, node),",
    replace: "ranks: heldRanks(state, node).filter(({ allocation }) => allocation.movesWhenLost),",
  },
  {
    name: "a job does not wait for what it depends on",
    file: `${CORE}/transition.ts`,
    find: 'if (on.length > 0) hold(state, out, job, { kind: "dependencies", on });',
    replace: "if (on.length < 0) return;",
  },
  {
    name: "cancelling a job that is being stopped changes nothing",
    file: `${CORE}/on/cancel-job.ts`,
    find: 'if (job.verdict.kind !== "cancelled") stopJob(state, out, job, CANCELLED, at);',
    replace: "",
  },
  {
    name: "a quota is exceeded by one",
    file: `${CORE}/quota.ts`,
    find: "used + claimed + wanted <= limit * unit)",
    replace: "used + claimed + wanted <= (limit + 1) * unit)",
  },
  {
    name: "a job's spec is not written",
    file: `${CORE}/on/submit-job.ts`,
    find: 'out.write({ table: "spec", key: id, value: spec });',
    replace: "",
  },
  {
    name: "a start is not written",
    file: `${CORE}/output.ts`,
    find: 'out.write({ table: "job", key: job.id, value: job });',
    replace: 'if (job.phase !== "starting") out.write({ table: "job", key: job.id, value: job });',
  },
  {
    name: "a leader prolongs leases without its store",
    file: "test/simulation/model-store.ts",
    find: "return this.#actor.monotonicMs() - this.#renewedAtMs <= LEADER_TTL_MS - LEADER_MARGIN_MS;",
    replace: "return this.#renewedAtMs >= 0;",
  },
  ...MESH_MUTANTS,
];
