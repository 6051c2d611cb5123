import { expect, test } from "vitest";
import { asDeviceId, asJobId } from "../../base/ids.ts";
import { packageDefinition } from "../../proto/load.ts";
import type { Report } from "../core/input.ts";
import { reportToProto } from "./translate.ts";

const key = { jobId: asJobId("job-17"), attempt: 2, rank: 3 };
const report = (state: Report["state"], stopping = false): Report => ({
  key,
  deviceIds: [asDeviceId("gpu-1")],
  state,
  stopping,
});

/** Through the wire: an unknown enum string would silently become 0. */
function onTheWire(of: Report): Record<string, unknown> {
  const service = packageDefinition["gpusched.v1.AgentService"] as unknown as {
    Connect: { requestSerialize(value: object): Buffer; requestDeserialize(bytes: Buffer): { report: object } };
  };
  const bytes = service.Connect.requestSerialize({ report: reportToProto(of) });
  return service.Connect.requestDeserialize(bytes).report as Record<string, unknown>;
}

const ended = (end: Extract<Report["state"], { phase: "ended" }>["end"]): Report =>
  report({ phase: "ended", startedAtMs: 1_700_000_000_000, endedAtMs: 1_700_000_000_001, end });

test.each<[string, Report, Record<string, unknown>]>([
  [
    "starting",
    report({ phase: "starting", message: "pulling" }),
    { phase: "ALLOCATION_PHASE_STARTING", message: "pulling" },
  ],
  ["stopping before it ran", report({ phase: "starting", message: "" }, true), { phase: "ALLOCATION_PHASE_STOPPING" }],
  [
    "running",
    report({ phase: "running", startedAtMs: 1_700_000_000_000.4, stopping: false }),
    { phase: "ALLOCATION_PHASE_RUNNING", started_at_ms: 1_700_000_000_000 },
  ],
  [
    "stopping",
    report({ phase: "running", startedAtMs: 5, stopping: true }, true),
    { phase: "ALLOCATION_PHASE_STOPPING", started_at_ms: 5 },
  ],
  [
    "exited",
    ended({ kind: "exited", exitCode: 0, signal: undefined, outOfMemory: true, message: "m" }),
    {
      phase: "ALLOCATION_PHASE_ENDED",
      cause: "END_CAUSE_EXITED",
      exit_code: 0,
      out_of_memory: true,
      message: "m",
      ended_at_ms: 1_700_000_000_001,
    },
  ],
  [
    "bad request",
    ended({ kind: "bad-request", message: "no image" }),
    { cause: "END_CAUSE_BAD_REQUEST", message: "no image" },
  ],
  ["node", ended({ kind: "node", message: "m" }), { cause: "END_CAUSE_NODE" }],
  ["fenced", ended({ kind: "fenced", message: "m" }), { cause: "END_CAUSE_FENCED" }],
])("%s arrives as it is", (_, of, expected) => {
  expect(onTheWire(of)).toMatchObject({
    key: { job_id: "job-17", attempt: 2, rank: 3 },
    gpu_ids: ["gpu-1"],
    ...expected,
  });
});

test("an exit code and a signal that are not known are absent, not 0", () => {
  const proto = onTheWire(
    ended({ kind: "exited", exitCode: undefined, signal: undefined, outOfMemory: false, message: "" }),
  );
  expect(proto).not.toHaveProperty("exit_code");
  expect(proto).not.toHaveProperty("signal");
});
