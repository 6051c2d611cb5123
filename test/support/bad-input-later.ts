/** Rows about when a job may start, in how many copies and with how much of a GPU, and about batches. */
import { type BadInputRow, goodJob, type Json, job, KIB, request } from "./bad-input-row.ts";

const NOT_TIMES: readonly unknown[] = [
  "",
  "tomorrow",
  "2026-08-01",
  "2026-08-01 08:00:00Z",
  "2026-08-01T08:00:00",
  "2026-08-01T08:00Z",
  "2026-02-30T08:00:00Z",
  "2025-02-29T08:00:00Z",
  "2026-13-01T08:00:00Z",
  "2026-08-01T24:00:00Z",
  "2026-08-01T08:60:00Z",
  "2026-08-01T08:00:00+25:00",
  "2026-08-01T08:00:00.1234567890Z",
  "1969-12-31T23:59:59Z",
  "+022026-08-01T08:00:00Z",
  "9999-12-31T23:59:59Z",
  1_800_000_000,
  null,
  ["2026-08-01T08:00:00Z"],
];

const ids = (count: number) => Array.from({ length: count }, (_, index) => `job-${index + 1}`);

const later: readonly BadInputRow[] = [
  ...NOT_TIMES.map((value) => job(`not_before ${JSON.stringify(value)}`, 400, { not_before: value }, "not_before")),
  ...["2020-01-01T00:00:00Z", "2020-02-29t08:00:00.5z", "2020-08-01T08:00:00+02:00", "2016-12-31T23:59:60Z"].map(
    (value) => job(`not_before ${value}`, 201, { not_before: value }),
  ),
  ...[["job-1", "job-1"], ids(101)].map((value) =>
    job(`depends_on of ${value.length} ids`, 400, { depends_on: value }, "depends_on"),
  ),
  ...["", "job-", "job-x", "17", "job-1/..", `job-${"1".repeat(20)}`, 17, null].map((id) =>
    job(`depends_on ${JSON.stringify(id)}`, 400, { depends_on: ["job-1", id] }, "depends_on[1]"),
  ),
  job("depends_on that is a string", 400, { depends_on: "job-1" }, "depends_on"),
  job("depends_on of nothing", 201, { depends_on: [] }),
  ...[0, -1, 10_001, 1.5, "8", null].map((count) =>
    job(`an array of ${JSON.stringify(count)}`, 400, { array: { count } }, "array.count"),
  ),
  job("an array without a count", 400, { array: {} }, "array.count"),
  job("an array with more than a count", 400, { array: { count: 2, step: 1 } }, "array.step"),
  ...[2, [2], "2", null].map((value) =>
    job(`an array that is ${JSON.stringify(value)}`, 400, { array: value }, "array"),
  ),
  job("a share of more than a GPU", 400, { gpu_milli: 1_001 }, "gpu_milli"),
  job("a share of two GPUs", 400, { gpu_milli: 500, gpu_count: 2 }, "gpu_milli"),
  job("a share of no GPU", 400, { gpu_milli: 500, gpu_count: 0 }, "gpu_milli"),
  job(
    "a share that raises its own limit",
    400,
    { gpu_milli: 500, environment: { CUDA_MPS_ACTIVE_THREAD_PERCENTAGE: "100" } },
    "environment.CUDA_MPS_ACTIVE_THREAD_PERCENTAGE",
  ),
];

function batch(name: string, status: number, body: unknown, field?: string): BadInputRow {
  const headers = { "Content-Type": "application/json" };
  const plain = { method: "POST", target: "/api/v1/jobs/batch", headers, body: JSON.stringify(body) };
  return request(name, status, plain, field === undefined ? {} : { field });
}

const jobs = (count: number, fields: Json = {}) => Array.from({ length: count }, () => ({ ...goodJob, ...fields }));

const batches: readonly BadInputRow[] = [
  ...[[], {}, { jobs: [] }, { jobs: {} }, { jobs: null }, { jobs: "all" }].map((body) =>
    batch(`a batch of ${JSON.stringify(body)}`, 400, body),
  ),
  batch("a batch of 1,001 jobs", 400, { jobs: jobs(1_001) }, "jobs"),
  batch("a batch with more than jobs", 400, { jobs: jobs(1), atomic: true }, "atomic"),
  batch("a batch of arrays that come to too many", 400, { jobs: jobs(2, { array: { count: 5_001 } }) }, "jobs"),
  batch("a batch of more than 8 MiB", 413, { jobs: jobs(130, { script: "x".repeat(64 * KIB) }) }),
];

export const laterRows: readonly BadInputRow[] = [...later, ...batches];

/** What a gateway takes, and what is too much to run for a test, or refused by whoever knows the other jobs. */
export const largeRows: readonly BadInputRow[] = [
  job("depends_on of 100 ids", 201, { depends_on: ids(100) }),
  job("an array of 10,000", 201, { array: { count: 10_000 } }),
  job("a share of a GPU", 201, { gpu_milli: 250 }),
  batch("a batch of 1,000 jobs", 200, { jobs: jobs(1_000) }),
  batch("a batch of jobs that are all in error", 200, { jobs: [1, null, [], "job", { ...goodJob, gpu_count: -1 }] }),
];
