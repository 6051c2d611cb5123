import { expect, test } from "vitest";
import { asJobId } from "../../base/ids.ts";
import type { AgentMessage } from "../../proto/generated/gpusched/v1/AgentMessage.ts";
import type { Report } from "../core/input.ts";
import { Outbox } from "./outbox.ts";
import { reportToProto } from "./translate.ts";

function report(rank: number, message: string): Report {
  const key = { jobId: asJobId("job-1"), attempt: 1, rank };
  return { key, deviceIds: [], state: { phase: "starting", message }, stopping: false };
}

const sent = (rank: number, message: string): AgentMessage => ({ report: reportToProto(report(rank, message)) });

function drain(outbox: Outbox): AgentMessage[] {
  const taken: AgentMessage[] = [];
  for (let next = outbox.take(); next; next = outbox.take()) taken.push(next);
  return taken;
}

test("only the newest report of an allocation waits, in the order of the news", () => {
  const outbox = new Outbox();
  for (let count = 0; count < 1_000; count += 1) outbox.put(report(0, `${count}`));
  outbox.put(report(1, "a"));
  outbox.put(report(0, "newest"));
  expect(outbox.size).toBe(2);
  expect(drain(outbox)).toEqual([sent(1, "a"), sent(0, "newest")]);
});

test("what a Hello has told is not sent again; what it has not told is", () => {
  const outbox = new Outbox();
  outbox.put(report(0, "a"));
  outbox.put(report(1, "b"));
  outbox.forget([report(0, "a"), report(9, "never reported")]);
  expect(drain(outbox)).toEqual([sent(1, "b")]);
});

test("of a job's checkpoints the newest waits, and a Hello, which tells none, leaves it", () => {
  const outbox = new Outbox();
  const { key } = report(0, "a");
  outbox.put(report(0, "a"));
  outbox.putCheckpoint(key, 1);
  outbox.putCheckpoint(key, 2.4);
  outbox.forget([report(0, "a")]);
  expect(drain(outbox)).toEqual([{ checkpoint: { key: { job_id: "job-1", attempt: 1, rank: 0 }, at_ms: 2 } }]);
});
