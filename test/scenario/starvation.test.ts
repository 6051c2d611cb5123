/** How long a job can wait: the bound of docs/scheduling.md, against users who do all they can to keep a gang waiting. */
import { expect, test } from "vitest";
import { DEFAULT_POLICY, type Policy, POLICIES, policyNamed } from "../../controller/core/model/policy.ts";
import { VirtualCluster } from "../../controller/replay/virtual-cluster.ts";
import {
  AGING,
  GANG,
  LEAVING_MS,
  LONGEST_MINUTES,
  StarvingStreams,
  type Streams,
} from "../support/starving-streams.ts";

const MINUTE = 60_000;
/** The longest that the job whose turn it is waits: until all that runs has ended, or has left after it was told to. */
const LONGEST_TURN_MS = LONGEST_MINUTES * MINUTE + LEAVING_MS;
/** When a job that never starts is given up. */
const HORIZON_MS = 40 * AGING.strictAfterMs;
/** Conservative backfill keeps room for a hundred jobs at a time, which takes a hundred times as long. */
const SEEDS: Readonly<Record<string, readonly number[]>> = { conservative: [1] };

const STREAMS: readonly Omit<Streams, "seed">[] = [
  { load: 0.9, preempt: false },
  { load: 1.5, preempt: false },
  { load: 1.2, preempt: true },
];

interface Wait {
  /** Undefined when it did not start. */
  readonly waitedMs: number | undefined;
  /** The longest time in which, with their order fixed, neither the gang started nor any job that may be ahead of it. */
  readonly longestTurnMs: number;
}

function waitOf(policy: Policy, streams: Streams): Wait {
  const world = new StarvingStreams(policy, streams);
  world.begin();
  const submitMs = world.cluster.now;
  const gang = () => world.cluster.record().jobs.find(({ job }) => job.name === GANG)?.attempts[0];
  while (gang() === undefined && world.cluster.now < submitMs + HORIZON_MS) world.pass();
  const startMs = gang()?.startMs;
  const fixedMs = submitMs + 2 * AGING.strictAfterMs;
  const endMs = startMs ?? world.cluster.now;
  const ahead = world.cluster.record().jobs.filter(({ job }) => job.submitMs <= submitMs + AGING.strictAfterMs);
  const starts = ahead.flatMap(({ attempts }) => attempts.map((attempt) => attempt.startMs));
  const turns = [fixedMs, ...starts.filter((ms) => ms > fixedMs && ms < endMs), endMs].sort((a, b) => a - b);
  const longestTurnMs = Math.max(...turns.slice(1).map((ms, index) => ms - (turns[index] ?? 0)));
  return { waitedMs: startMs === undefined ? undefined : startMs - submitMs, longestTurnMs };
}

const PROMISING = Object.values(POLICIES).filter(({ name }) => name !== "greedy" && name !== "shortest-first");

test.each(PROMISING)("under the policy $name a gang of all GPUs starts, whatever comes after it", (policy) => {
  const broken: string[] = [];
  for (const kind of STREAMS) {
    for (const seed of SEEDS[policy.name] ?? [1, 2, 3]) {
      const { waitedMs, longestTurnMs } = waitOf(policy, { ...kind, seed });
      if (waitedMs !== undefined && longestTurnMs <= LONGEST_TURN_MS) continue;
      broken.push(`${JSON.stringify({ ...kind, seed })}: waited ${waitedMs} ms, one turn took ${longestTurnMs} ms`);
    }
  }
  expect(broken).toEqual([]);
});

test("greed keeps it waiting for ever, though the cluster is never full", () => {
  expect(waitOf(policyNamed("greedy"), { load: 0.9, preempt: false, seed: 1 }).waitedMs).toBeUndefined();
});

test("who is given room by others does not put off a job that room is kept for, however long they take to leave", () => {
  const node = { gpus: 8, gpuModel: "A100", gpuMemoryMb: 80_000, cpuCores: 32, memoryMb: 64_000 };
  const cluster = new VirtualCluster({
    nodes: [
      { ...node, name: "node-1" },
      { ...node, name: "node-2" },
    ],
    tenants: [
      { id: "firm", tier: "critical", allowPreemption: false },
      { id: "batch", tier: "low" },
      { id: "team", tier: "critical" },
      { id: "vip", tier: "critical", canPreemptOthers: true },
    ],
    policy: { ...DEFAULT_POLICY, preemption: { minRunMs: MINUTE, minWaitMs: 0, maxGpusPerGpu: 2 } },
    stopTakesMs: 5 * MINUTE,
  });
  const job = (name: string, tenant: string, minute: number, minutes: number, gpuCount = 8) => ({
    name,
    tenant,
    submitMs: minute * MINUTE,
    runMs: minutes * MINUTE,
    spec: { name, gpuCount, gang: true, maxRuntimeMinutes: minutes, graceSeconds: 300 },
  });
  const { jobs } = cluster.run([
    job("stays", "firm", 0, 20),
    job("leaves", "batch", 0, 20),
    job("gang", "team", 1, 10, 16),
    // It would be over in time only if the other left at once.
    job("too long", "vip", 2, 15),
    job("short enough", "vip", 3, 10),
  ]);
  const starts = jobs.map(({ attempts }) => attempts.map(({ startMs }) => startMs / MINUTE));
  expect(starts).toEqual([[0], [0, 30], [20], [30], [8]]);
});
