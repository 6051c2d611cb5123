import { Metadata, type sendUnaryData, type ServerUnaryCall, type ServerWritableStream } from "@grpc/grpc-js";
import { RequestError } from "../../base/errors.ts";
import { Intake } from "../../base/intake.ts";
import { asJobId, asNodeName, asTenantId } from "../../base/ids.ts";
import type { Logger } from "../../base/logger.ts";
import { version } from "../../base/version.ts";
import type { Job as JobMessage } from "../../proto/generated/gpusched/v1/Job.ts";
import type { LogChunk } from "../../proto/generated/gpusched/v1/LogChunk.ts";
import type { SchedulerServiceHandlers } from "../../proto/generated/gpusched/v1/SchedulerService.ts";
import type { StreamLogsRequest__Output } from "../../proto/generated/gpusched/v1/StreamLogsRequest.ts";
import { dryRun } from "../core/dry-run.ts";
import { findNode } from "../core/find-node.ts";
import type { LateStarts } from "../core/late-start.ts";
import type { Node } from "../core/model/node.ts";
import type { State } from "../core/model/state.ts";
import type { Outlook } from "../core/outlook.ts";
import type { Slices } from "../core/slices.ts";
import type { Loop } from "../loop/loop.ts";
import { toServiceError } from "./errors.ts";
import { listJobs } from "./list-jobs.ts";
import type { LogRelay } from "./log-relay.ts";
import { streamLogs } from "./stream-logs.ts";
import { submitJobs } from "./submit-jobs.ts";
import { fromArray } from "./translate/array.ts";
import { fromDryRun, fromExplained } from "./translate/explanation.ts";
import { fromJob } from "./translate/job.ts";
import { toSubmission } from "./translate/job-spec.ts";
import { fromSubmitted } from "./translate/submit.ts";
import { fromCluster, fromNode } from "./translate/node.ts";
import {
  type OperatorWord,
  toConfirmNodeDead,
  toDeviceWord,
  toCordonNode,
  toDrainNode,
  toUncordonNode,
} from "./translate/operator.ts";
import { fromTenant, toTenantChange, toTenantFields } from "./translate/tenant.ts";

/** For the answer to a submission: more than gateways allow, so that they turn away what is too much for both, at less cost. */
const LONGEST_WAIT_MS = 500;

/** What the service needs to know of the controller that it speaks for. */
export interface ServiceFacts {
  /** The advertised address. */
  readonly leader: string;
  readonly store: string;
}

/** What the service speaks for. */
export interface ServiceParts {
  readonly loop: Loop;
  readonly logs: LogRelay;
  readonly lateStarts: LateStarts;
  readonly facts: ServiceFacts;
  readonly log: Logger;
}

/** The public API over gRPC: each call becomes an input of the loop or a look at its state, and decides nothing itself. */
export function schedulerService({ loop, logs, lateStarts, facts, log }: ServiceParts): SchedulerServiceHandlers {
  const intake = new Intake({ longestWaitMs: LONGEST_WAIT_MS });
  const getJob = (id: string) => loop.ask((state, at, outlook) => jobOrArray(state, id, at, outlook));
  const getTenant = (id: string) => loop.read((state) => fromTenant(state, findTenant(state, id)));
  const updateTenant = async (id: string, change: ReturnType<typeof toTenantChange>) => {
    await loop.submit({ kind: "update-tenant", tenantId: asTenantId(id), change });
    return getTenant(id);
  };
  const changeNode = async (word: OperatorWord) => {
    const { affected } = await loop.submit(word);
    log.warn({ ...word, jobs: affected.length }, "an operator's word on a node");
    return { node: await loop.read((state) => fromNode(findNode(state, word.node), state)), job_ids: [...affected] };
  };
  return {
    SubmitJob: unary(log, async (request) => {
      const submit = async () => loop.submit({ kind: "submit-job", ...toSubmission(request) });
      return fromSubmitted(await intake.admit(submit));
    }),
    SubmitJobs: unary(log, async ({ jobs }) => {
      const results = await intake.admit(() => submitJobs(loop, jobs));
      return { results: [...results] };
    }),
    DryRunJob: unary(log, (request) => {
      const trial = toSubmission(request);
      return loop.ask(function* answer(state, at, outlook) {
        return fromDryRun(yield* dryRun(state, trial, outlook()), trial.spec, at);
      });
    }),
    GetJob: unary(log, ({ job_id }) => getJob(job_id)),
    ListJobs: unary(log, (request) => loop.read((state) => listJobs(state, request))),
    CancelJob: unary(log, async ({ job_id }) => {
      await loop.submit({ kind: "cancel-job", jobId: asJobId(job_id) });
      return getJob(job_id);
    }),
    ExplainJob: unary(log, ({ job_id }) =>
      loop.ask((state, _, outlook) => {
        const job = firstWaiting(state, job_id) ?? findJob(state, job_id);
        return fromExplained(state, job, lateStarts, outlook());
      }),
    ),
    CheckpointJob: unary(log, async ({ job_id }) => {
      await loop.submit({ kind: "checkpoint", jobId: asJobId(job_id) });
      return {};
    }),
    StreamLogs: (call) => serveLogs(call, loop, logs, log),
    CreateTenant: unary(log, async ({ spec }) => {
      const { tenantId } = await loop.submit({ kind: "create-tenant", tenant: toTenantFields(spec) });
      return getTenant(tenantId);
    }),
    GetTenant: unary(log, ({ tenant_id }) => getTenant(tenant_id)),
    ListTenants: unary(log, () =>
      loop.read((state) => ({ tenants: [...state.tenants.values()].map((tenant) => fromTenant(state, tenant)) })),
    ),
    UpdateTenant: unary(log, (request) => updateTenant(request.tenant_id, toTenantChange(request))),
    DeactivateTenant: unary(log, ({ tenant_id }) => updateTenant(tenant_id, { limits: {}, active: false })),
    ListNodes: unary(log, ({ name }) =>
      loop.read((state) => ({ nodes: nodesOf(state, name).map((node) => fromNode(node, state)) })),
    ),
    ConfirmNodeDead: unary(log, (request) => changeNode(toConfirmNodeDead(request))),
    CordonNode: unary(log, (request) => changeNode(toCordonNode(request))),
    DrainNode: unary(log, (request) => changeNode(toDrainNode(request))),
    UncordonNode: unary(log, (request) => changeNode(toUncordonNode(request))),
    QuarantineDevice: unary(log, (request) => changeNode(toDeviceWord("quarantine-device", request))),
    ReleaseDevice: unary(log, (request) => changeNode(toDeviceWord("release-device", request))),
    GetClusterStatus: unary(log, () =>
      loop.read((state) => fromCluster(state, { ...facts, term: loop.term, version })),
    ),
  };
}

/** A unary handler from a function; whatever it throws becomes the call's status. */
function unary<Request, Response>(log: Logger, serve: (request: Request) => Promise<Response>) {
  return (call: ServerUnaryCall<Request, Response>, callback: sendUnaryData<Response>): void => {
    // Async, so that what is thrown before the first wait is an answer as well.
    const answer = async () => serve(call.request);
    answer().then(
      (response) => callback(null, response),
      (error: unknown) => callback(toServiceError(error, log)),
    );
  };
}

function serveLogs(
  call: ServerWritableStream<StreamLogsRequest__Output, LogChunk>,
  loop: Loop,
  logs: LogRelay,
  log: Logger,
): void {
  const gone = new AbortController();
  call.on("cancelled", () => gone.abort());
  const send = (data: Buffer) => writeTo(call, data, gone.signal);
  // The reader learns at once that the job exists, however long its output takes.
  const open = () => call.sendMetadata(new Metadata());
  streamLogs(call.request, loop, logs, gone.signal, { open, send }).then(
    () => call.end(),
    (error: unknown) => {
      if (!gone.signal.aborted) call.emit("error", toServiceError(error, log));
    },
  );
}

/** Writes, and waits while the reader is slower than the output. */
function writeTo(call: ServerWritableStream<unknown, LogChunk>, data: Buffer, signal: AbortSignal): Promise<void> {
  if (signal.aborted || call.write({ data })) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      call.off("drain", done);
      signal.removeEventListener("abort", done);
      resolve();
    };
    call.on("drain", done);
    signal.addEventListener("abort", done);
  });
}

function* jobOrArray(state: State, id: string, at: number, outlook: () => Outlook): Slices<JobMessage> {
  const members = state.arrays.get(asJobId(id));
  const array = members && fromArray(state, asJobId(id), members);
  return array ?? (yield* fromJob(state, findJob(state, id), at, outlook));
}

/** Of an array the first job that waits, else its first; undefined for what is no array. */
function firstWaiting(state: State, id: string) {
  const jobs = state.arrays.get(asJobId(id))?.map((member) => state.job(member));
  return jobs?.find(({ phase }) => phase === "queued" || phase === "held") ?? jobs?.[0];
}

function findJob(state: State, id: string) {
  const job = state.jobs.get(asJobId(id));
  if (!job) throw new RequestError("not_found", "Job not found");
  return job;
}

/** The one of that name, if there is one; all when none is named. Thousands take a while to tell. */
function nodesOf(state: State, name: string): readonly Node[] {
  if (name === "") return state.cluster.nodes;
  const node = state.nodes.get(asNodeName(name));
  return node ? [node] : [];
}

function findTenant(state: State, id: string) {
  const tenant = state.tenants.get(asTenantId(id));
  if (!tenant) throw new RequestError("not_found", "Tenant not found");
  return tenant;
}
