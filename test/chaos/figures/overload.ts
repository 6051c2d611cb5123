/** Ten times as many submissions as can be taken: what becomes of those that are taken, of the others, and of the nodes. */
import { setTimeout as sleep } from "node:timers/promises";
import type { RestClient } from "../../support/rest-client.ts";
import type { Session } from "../session.ts";
import type { Tenant, Workload } from "../workload/clients.ts";
import type { Operation } from "../workload/operation.ts";
import type { Submission } from "../workload/submission.ts";
import { describeDistribution } from "./distribution.ts";

const CLOSED_LOOP_MS = 10_000;
const OVERLOAD_MS = 20_000;
const CLOSED_LOOP_CLIENTS = 32;
const FACTOR = 10;
const BURST_EVERY_MS = 10;
const LOOK_EVERY_MS = 250;
/** Requests without an answer, beyond which this generator can offer no more. */
const MAX_OPEN = 500;

interface Asked {
  readonly status: number | undefined;
  readonly tookMs: number;
}

export async function measureOverload({ cluster, workload }: Session): Promise<void> {
  const flood = new Flood(cluster.clients, workload);
  const sustainable = await closedLoop(flood);
  console.log(
    `overload: ${CLOSED_LOOP_CLIENTS} clients, each after its last answer, had ${sustainable} jobs a second taken`,
  );
  flood.asked.splice(0);
  let leastOnline = cluster.agents.length;
  const over = new AbortController();
  const watch = async () => {
    for (; !over.signal.aborted; await sleep(LOOK_EVERY_MS)) {
      leastOnline = Math.min(leastOnline, (await cluster.status())?.online_nodes ?? leastOnline);
    }
  };
  const watching = watch();
  const offered = await openLoop(flood, sustainable * FACTOR);
  over.abort();
  await watching;
  console.log(`overload: ${offered} a second were offered for ${OVERLOAD_MS / 1_000} s`);
  const { asked } = flood;
  for (const [status, some] of Map.groupBy(asked, (one) => one.status ?? "no answer")) {
    const share = ((some.length / asked.length) * 100).toFixed(1);
    const tookMs = some.map((one) => one.tookMs);
    console.log(describeDistribution(`overload: ${status}, ${share} %`, tookMs));
  }
  console.log(`overload: at least ${leastOnline} of ${cluster.agents.length} nodes were online at any time`);
  await flood.cancel();
}

/** Jobs that are to be taken, and never to run. */
class Flood {
  readonly asked: Asked[] = [];
  readonly #clients: readonly RestClient[];
  readonly #workload: Workload;
  readonly #tenant: string | undefined;
  readonly #taken: Submission[] = [];
  #sent = 0;

  constructor(clients: readonly RestClient[], workload: Workload) {
    this.#clients = clients;
    this.#workload = workload;
    const isFree = ({ maxGpus, maxJobs }: Tenant) => maxGpus === undefined && maxJobs === undefined;
    this.#tenant = workload.tenants.find(isFree)?.id;
  }

  async submit(): Promise<void> {
    this.#sent += 1;
    const name = `flood-${this.#sent}`;
    const elsewhere = { node_selector: { nowhere: "yes" }, command: ["true"] };
    const body = { tenant_id: this.#tenant, name, gpu_count: 0, ...elsewhere };
    const invokedMs = performance.now();
    const answer = await this.#clients[this.#sent % this.#clients.length]?.ask("POST", "/jobs", body);
    const returnedMs = performance.now();
    this.asked.push({ status: answer?.status, tookMs: returnedMs - invokedMs });
    const id = answer?.status === 201 ? (JSON.parse(answer.text) as { job_id: string }).job_id : undefined;
    const end = { exitCode: 0, isContainer: true, isSteady: true, isCancelled: false, hasEnded: true };
    const submission = { name, body, id, ...end };
    this.#workload.submissions.push(submission);
    if (id === undefined) return;
    this.#workload.operations.push(done("submit", name, invokedMs, returnedMs));
    this.#taken.push(submission);
  }

  /** Takes back what was taken. */
  async cancel(): Promise<void> {
    const left = [...this.#taken];
    const canceller = async (_: unknown, n: number) => {
      for (let job = left.pop(); job !== undefined; job = left.pop()) {
        const invokedMs = performance.now();
        const answer = await this.#clients[n % this.#clients.length]?.ask("DELETE", `/jobs/${job.id}`);
        if (answer?.status === 200) {
          this.#workload.operations.push(done("cancel", job.name, invokedMs, performance.now()));
        } else {
          left.push(job);
          await sleep(LOOK_EVERY_MS);
        }
      }
    };
    await Promise.all(Array.from({ length: CLOSED_LOOP_CLIENTS }, canceller));
  }
}

function done(request: "submit" | "cancel", job: string, invokedMs: number, returnedMs: number): Operation {
  return { client: -1, job, request, invokedMs, returnedMs, told: { kind: "done" } };
}

async function closedLoop(flood: Flood): Promise<number> {
  const untilMs = performance.now() + CLOSED_LOOP_MS;
  const client = async () => {
    while (performance.now() < untilMs) await flood.submit();
  };
  await Promise.all(Array.from({ length: CLOSED_LOOP_CLIENTS }, client));
  const taken = flood.asked.filter(({ status }) => status === 201).length;
  return Math.round((taken / CLOSED_LOOP_MS) * 1_000);
}

/** Asks at this rate, whatever is answered, as far as this process can. Returns how many it asked a second. */
async function openLoop(flood: Flood, perSecond: number): Promise<number> {
  const startedMs = performance.now();
  const open = new Set<Promise<unknown>>();
  let sent = 0;
  for (let ms = 0; ms < OVERLOAD_MS; await sleep(BURST_EVERY_MS), ms = performance.now() - startedMs) {
    for (; sent < (ms / 1_000) * perSecond && open.size < MAX_OPEN; sent += 1) {
      const request: Promise<unknown> = flood.submit().finally(() => open.delete(request));
      open.add(request);
    }
  }
  await Promise.all(open);
  return Math.round((sent / OVERLOAD_MS) * 1_000);
}
