import { z } from "zod";
import { asDeviceId } from "../../../base/ids.ts";
import type { AllocationState } from "../executor.ts";

const endSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("exited"),
    exitCode: z.int().optional(),
    signal: z.int().optional(),
    /** Only where it is so. */
    outOfMemory: z.literal(true).optional(),
    message: z.string(),
  }),
  z.strictObject({ kind: z.literal("bad-request"), message: z.string() }),
  z.strictObject({ kind: z.literal("node"), message: z.string() }),
]);

const stateSchema = z.discriminatedUnion("phase", [
  z.strictObject({ phase: z.literal("starting") }),
  z.strictObject({
    phase: z.literal("running"),
    /** The leader of the job's session and process group. */
    process: z.strictObject({ pid: z.int().positive(), startTicks: z.int() }),
    startedAtMs: z.number(),
    /** When it is killed, on the wall clock: it is being stopped. */
    killAtMs: z.number().optional(),
  }),
  z.strictObject({
    phase: z.literal("ended"),
    startedAtMs: z.number().optional(),
    endedAtMs: z.number(),
    end: endSchema,
  }),
]);

/** What is kept of an attempt, in its `status.json` and on the way between runner and executor. */
export const statusSchema = z.strictObject({
  version: z.literal(1),
  /** The allocation's name. */
  name: z.string(),
  deviceIds: z.array(z.string().transform(asDeviceId)),
  gpuMilli: z.int().optional(),
  graceMs: z.number(),
  requeueOnNodeLost: z.boolean(),
  bootId: z.string(),
  state: stateSchema,
});

export type Status = z.infer<typeof statusSchema>;
export type StatusState = Status["state"];
export type StatusEnd = z.infer<typeof endSchema>;

/** The state as every executor tells it. */
export function toAllocationState(state: StatusState): AllocationState {
  switch (state.phase) {
    case "starting":
      return { phase: "starting", message: "" };
    case "running":
      return { phase: "running", startedAtMs: state.startedAtMs, stopping: state.killAtMs !== undefined };
    case "ended": {
      const { startedAtMs, endedAtMs, end } = state;
      if (end.kind !== "exited") return { phase: "ended", startedAtMs, endedAtMs, end };
      const { exitCode, signal, outOfMemory = false, message } = end;
      const exited = { kind: "exited", exitCode, signal, outOfMemory, message } as const;
      return { phase: "ended", startedAtMs, endedAtMs, end: exited };
    }
  }
}
