import { type Claim, type JobIn, since, WHOLE_DEVICE } from "../../model/job.ts";
import type { PreemptionTrial, QueueGroup } from "../../model/job-queue.ts";
import type { State } from "../../model/state.ts";
import { type Output, saveJob, withEvent } from "../../output.ts";
import type { Place } from "../place.ts";
import { leave } from "./leave.ts";
import { leftBy, planPreemption, type PreemptionPlan, type Wish } from "./plan.ts";
import { preemptorReceipt, victimReceipt } from "./receipt.ts";

/** Plans of one pass: whoever comes after that is looked at a little later. */
const MAX_PLANS = 16;
/** How long a group rests after a plan in vain; twice as long each time. */
const REST_MS = 1_000;
const MAX_REST_DOUBLINGS = 5;

/**
 * What one pass does for blocked jobs by stopping others. A job that has waited for long enough is planned for when
 * something has changed since it last was in vain, or when time alone may have changed the answer; a deadline then has it
 * looked at. So a cluster in which nothing happens costs nothing, and one in which much happens a bounded number of plans.
 */
export class Preemption {
  readonly #state: State;
  readonly #out: Output;
  readonly #at: number;
  #plansLeft = MAX_PLANS;

  constructor(state: State, out: Output, at: number) {
    this.#state = state;
    this.#out = out;
    this.#at = at;
  }

  /**
   * Stops others for the first job of a group, which did not fit, and keeps what they leave for it.
   *
   * @param mayHold whether the job's tenant may hold these places
   * @returns whether it did
   */
  makeRoom(group: QueueGroup, wish: Wish, mayHold: (places: readonly Place[]) => boolean): boolean {
    const state = this.#state;
    const at = this.#at;
    const { job } = wish;
    if (job.claim || !state.tenant(job.tenantId).canPreemptOthers) return false;
    const trial = (group.trial ??= newTrial());
    const stamp = stampOf(state);
    const unchanged = trial.stamp === stamp && trial.nextAt > at;
    const mayAt = since(job) + state.settings.policy.preemption.minWaitMs;
    const laterAt = Math.max(mayAt, unchanged ? trial.nextAt : trial.restsUntil);
    if (laterAt > at) return this.#postpone(trial, job, laterAt);
    if (this.#plansLeft === 0) return this.#postpone(trial, job, at + REST_MS);
    this.#plansLeft -= 1;
    const planned = planPreemption(state, wish, at);
    if (planned.kind === "plan" && mayHold(planned.plan.places)) {
      group.trial = undefined;
      carryOut(state, this.#out, job, planned.plan, at);
      return true;
    }
    trial.stamp = stamp;
    trial.nextAt = Number.POSITIVE_INFINITY;
    if (planned.kind === "wait") trial.nextAt = Math.max(planned.until, at + REST_MS);
    else {
      if (planned.kind === "none") trial.nextAt = planned.nextAt;
      trial.restsUntil = at + REST_MS * 2 ** Math.min(trial.failures, MAX_REST_DOUBLINGS);
      trial.failures += 1;
    }
    return this.#postpone(trial, job, trial.nextAt);
  }

  /** Has the job looked at again at that time: {@link lookAtQueued}. */
  #postpone(trial: PreemptionTrial, job: JobIn<"queued">, at: number): false {
    const isArmed = trial.armedFor === job.id && trial.armedAt > this.#at && trial.armedAt <= at;
    if (isArmed || !Number.isFinite(at)) return false;
    trial.armedFor = job.id;
    trial.armedAt = at;
    this.#state.deadlines.add({ at, kind: "job", jobId: job.id });
    return false;
  }
}

/** Equal when all is as it was, as far as it decides who makes room for whom. */
function stampOf({ cluster, scheduling }: State): string {
  return `${cluster.version} ${scheduling.tenantsVersion} ${scheduling.reservations.map(({ jobId }) => jobId).join()}`;
}

/** The same for a copy of the state, whose nodes have changed less often. */
export function copyTrial(trial: PreemptionTrial, fromVersion: number, toVersion: number): PreemptionTrial {
  const version = `${fromVersion} `;
  if (!trial.stamp.startsWith(version)) return { ...trial, stamp: "" };
  return { ...trial, stamp: `${toVersion} ${trial.stamp.slice(version.length)}` };
}

function newTrial(): PreemptionTrial {
  return {
    stamp: "",
    nextAt: Number.POSITIVE_INFINITY,
    restsUntil: 0,
    failures: 0,
    armedAt: 0,
    armedFor: undefined,
  };
}

/** The time has come for a waiting job: its claim ends, or others may make room for it now. */
export function lookAtQueued(state: State, out: Output, job: JobIn<"queued">, at: number): void {
  const { claim, ...rest } = job;
  if (claim && claim.until <= at) {
    const message = "the room that was kept for it was not left in time: it is looked for anew";
    saveJob(state, out, { ...rest, history: withEvent(job, at, "preempting", message) });
  } else if (!claim && state.tenant(job.tenantId).canPreemptOthers) state.grow();
}

/** The room is the job's from now on, and those who are in it are told to go. */
function carryOut(state: State, out: Output, job: JobIn<"queued">, plan: PreemptionPlan, at: number): void {
  for (const victim of plan.victims) {
    leave(state, out, victim.job, victimReceipt(job, victim), at);
  }
  const { milli } = state.groupOf(job).facts.kind.demand;
  const claim: Claim = {
    shares: plan.places.map(({ node, devices, share }) => ({
      node: node.record.name,
      devices: devices.map(({ id }) => id),
      ...(milli === WHOLE_DEVICE ? {} : { milli }),
      cpuCores: share.cpuCores,
      memoryMb: share.memoryMb,
    })),
    until: leftBy(state, plan, at),
  };
  saveJob(state, out, { ...job, claim, history: withEvent(job, at, "preempting", preemptorReceipt(job, plan)) });
  state.deadlines.add({ at: claim.until, kind: "job", jobId: job.id });
}
