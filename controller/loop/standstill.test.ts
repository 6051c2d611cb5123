import { expect, test } from "vitest";
import { asDeviceId, asNodeName, type JobId } from "../../base/ids.ts";
import { systemClock } from "../../base/clock.ts";
import { silentLogger } from "../../base/logger.ts";
import type { Input, Unstamped } from "../core/input.ts";
import { DEFAULT_POLICY } from "../core/model/policy.ts";
import type { Effect } from "../core/output.ts";
import { createMemoryStore, MemoryDisk } from "../store/memory-store.ts";
import { type Store, StoreError } from "../store/store.ts";
import { Loop } from "./loop.ts";
import { Standstill } from "./standstill.ts";

const SETTINGS = { nodeUnreachableAfterMs: 15_000, nodeLostAfterMs: 300_000, policy: DEFAULT_POLICY };
const TENANT = { kind: "create-tenant", tenant: { name: "t", limits: {} }, id: "tenant-1" as never } as const;
const JOB = { kind: "submit-job", spec: { tenantId: "tenant-1" as never, name: "j", gpuCount: 1 } } as const;
const node = asNodeName("node-1");
const executor = { ready: true, message: "" };
const patience = { timeout: 30_000, interval: 5 };

/** A store that is full when the test says so, and tells it with the next commit or, as others may have found out, before. */
class FullStore {
  readonly disk = new MemoryDisk();
  isFull = false;
  isKnown = false;
  readonly store: Store;

  constructor() {
    const inner = createMemoryStore(this.disk);
    const full = () => this.isFull && this.isKnown;
    this.store = {
      kind: "memory",
      tenure: inner.tenure,
      get isFull() {
        return full();
      },
      get shortage() {
        return full() ? "no room" : undefined;
      },
      load: () => inner.load(),
      recall: () => inner.load(),
      commit: async (writes) => {
        if (!this.isFull) return await inner.commit(writes);
        this.isKnown = true;
        throw new StoreError("full", "no room");
      },
      close: () => inner.close(),
    };
  }
}

async function begin() {
  const full = new FullStore();
  const effects: Effect[] = [];
  const ends: string[] = [];
  const loop = await Loop.start({
    store: full.store,
    settings: SETTINGS,
    clock: systemClock,
    log: silentLogger,
    carryOut: (effect) => effects.push(effect),
    onTermEnd: (error) => {
      throw error;
    },
    journal: {
      begin: () => undefined,
      record: () => undefined,
      end: (why) => ends.push(why),
      close: async () => undefined,
    },
    checkEveryBatch: true,
  });
  await loop.submit(TENANT);
  loop.post(hello(1));
  const { jobId } = await loop.submit(JOB);
  await expect.poll(() => told(effects, "launch"), patience).toBe(1);
  return { full, loop, effects, ends, jobId };
}

const told = (effects: readonly Effect[], kind: Effect["kind"]) =>
  effects.filter((effect) => effect.kind === kind).length;

function hello(session: number, running: readonly JobId[] = []): Unstamped<Input> & { kind: "node-hello" } {
  const device = { id: asDeviceId("gpu-1"), model: "Test", memoryMb: 80_000, index: 0, pciBusId: "" };
  const texts = {
    deviceSource: "",
    deviceSourceReason: "",
    driverVersion: "",
    agentVersion: "",
    gpuGrant: "",
    gpuGrantReason: "",
  };
  return {
    kind: "node-hello",
    session,
    node,
    agentId: "agent-1",
    bootId: "boot-1",
    number: session,
    inventory: {
      devices: [device],
      cpuCores: 8,
      memoryMb: 8_000,
      labels: {},
      executor: "process",
      address: "",
      ...texts,
    },
    executor,
    allocations: running.map((jobId) => runningReport(jobId)),
  };
}

const keyOf = (jobId: JobId) => ({ key: { jobId, attempt: 1, rank: 0 }, devices: [asDeviceId("gpu-1")] });
const runningReport = (jobId: JobId) => ({ ...keyOf(jobId), state: { phase: "running" as const, startedAt: 1 } });
const ended = (jobId: JobId): Unstamped<Input> => {
  const state = {
    phase: "ended",
    startedAt: 1,
    endedAt: 2,
    end: { kind: "exited", exitCode: 0, outOfMemory: false, message: "" },
  } as const;
  return { kind: "allocation-report", session: 1, node, report: { ...keyOf(jobId), state } };
};
const heartbeat = (sequence: number): Unstamped<Input> => {
  return { kind: "node-heartbeat", session: 1, node, sequence, executor, telemetry: [] };
};
const phaseOf = (loop: Loop, jobId: JobId) => loop.read((state) => state.job(jobId).phase);

test("a batch that finds no room is undone: its requests are refused, and what agents said counts once there is room", async () => {
  const { full, loop, effects, ends, jobId } = await begin();
  loop.post({ kind: "allocation-report", session: 1, node, report: runningReport(jobId) });
  await expect.poll(() => phaseOf(loop, jobId), patience).toBe("running");
  const { revision } = loop;
  full.isFull = true;
  loop.post(ended(jobId));
  const refused = loop.submit(JOB);
  await expect(refused).rejects.toMatchObject({ code: "full", message: "no room" });
  expect([loop.revision, await phaseOf(loop, jobId), told(effects, "release")]).toEqual([revision, "running", 0]);
  expect(ends[0]).toBe("a batch was undone");
  // From now on nothing is even tried.
  await expect(loop.submit({ kind: "cancel-job", jobId })).rejects.toMatchObject({ code: "full" });
  loop.post(heartbeat(7));
  await expect.poll(() => effects.at(-1), patience).toMatchObject({ kind: "heartbeat-ack", sequence: 7 });
  expect(await loop.read((state) => state.nodes.get(node))).toMatchObject({
    reach: "online",
    session: 1,
    executorReady: true,
  });
  full.isFull = false;
  await expect.poll(() => phaseOf(loop, jobId), patience).toBe("finished");
  await expect.poll(() => told(effects, "release"), patience).toBe(1);
  const { jobId: next } = await loop.submit(JOB);
  await expect.poll(() => phaseOf(loop, next), patience).toBe("starting");
  await loop.close();
});

test("a device that becomes idle while the store takes no writes ends its job once there is room, and the term never", async () => {
  const { full, loop, effects, jobId } = await begin();
  const change = { limits: {}, minGpuUtilization: 10, gpuIdleWindowMinutes: Number.EPSILON };
  loop.post({ kind: "allocation-report", session: 1, node, report: runningReport(jobId) });
  await loop.submit({ kind: "update-tenant", tenantId: TENANT.id, change });
  full.isFull = true;
  await expect(loop.submit(JOB)).rejects.toMatchObject({ code: "full" });
  const telemetry = [{ id: asDeviceId("gpu-1"), utilizationPercent: 0 }];
  const idleMs = () => loop.read((state) => state.nodes.get(node)?.idle.get(asDeviceId("gpu-1"))?.idleMs);
  for (let sequence = 2; !(await idleMs()); sequence += 1) {
    loop.post({ ...heartbeat(sequence), telemetry } as Unstamped<Input>);
    await expect.poll(() => effects.at(-1), patience).toMatchObject({ kind: "heartbeat-ack", sequence });
  }
  expect(await phaseOf(loop, jobId)).toBe("running");
  full.isFull = false;
  await expect.poll(() => phaseOf(loop, jobId), patience).toBe("stopping");
  expect(told(effects, "stop")).toBe(1);
  await loop.close();
});

test("a hello in a batch that was undone is welcome once there is room, and its node is not taken for heard before", async () => {
  const { full, loop, effects, jobId } = await begin();
  full.isFull = true;
  loop.post({ kind: "node-disconnected", session: 1, node });
  loop.post(hello(2, [jobId]));
  await expect.poll(() => loop.standstill, patience).toBe("no room");
  await expect.poll(() => loop.read((state) => state.nodes.get(node)?.session), patience).toBeUndefined();
  expect(await loop.read((state) => state.nodes.get(node)?.reach)).toBe("unreachable");
  expect([told(effects, "welcome"), await phaseOf(loop, jobId)]).toEqual([1, "starting"]);
  full.isFull = false;
  await expect.poll(() => told(effects, "welcome"), patience).toBe(2);
  expect(await phaseOf(loop, jobId)).toBe("running");
  await loop.close();
});

test("while the store takes no writes, what needs one waits in order, and a hello goes with its stream", () => {
  const standstill = new Standstill();
  expect(standstill.take({ kind: "tick" })).toBeUndefined();
  expect(standstill.take(hello(1))).toBeUndefined();
  expect(standstill.take(hello(2))).toBeUndefined();
  const beat = { kind: "node-heartbeat", session: 1, node, sequence: 1, executor, telemetry: [] } as const;
  const { inventory } = hello(1);
  expect(standstill.take({ ...beat, membership: 3, inventory })).toEqual(beat);
  expect(standstill.take({ kind: "node-disconnected", session: 1, node })).toMatchObject({ session: 1 });
  expect(standstill.release()).toEqual([hello(2), { ...beat, inventory }]);
  expect(standstill.isEmpty).toBe(true);
});

test("more reports than memory is meant for end the term", () => {
  const standstill = new Standstill();
  const report = ended("job-1" as JobId);
  for (let n = 0; n < 100_000; n += 1) standstill.take(report);
  expect(() => standstill.take(report)).toThrow(/more than 100000 reports of agents wait/);
});
