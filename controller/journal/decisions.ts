/** What came of a batch in a few words each, for people: a difference between two runs can be read, not only detected. */
import { unreachable } from "../../base/assert.ts";
import { RequestError } from "../../base/errors.ts";
import { allocationName } from "../../base/ids.ts";
import { formatTimestamp } from "../../base/time.ts";
import type { Input, Unstamped } from "../core/input.ts";
import { type Allocation, isHeld } from "../core/model/allocation.ts";
import type { Hold, Job } from "../core/model/job.ts";
import type { Effect, RowWrite } from "../core/output.ts";
import { keyOf } from "../core/transition.ts";
import type { RecordedBatch } from "../loop/journal.ts";

/** The decisions of a batch: refusals, what was written of each job, tenant and node, and what agents were told. No secrets. */
export function decisionsOf({ inputs, outcome }: RecordedBatch): readonly string[] {
  if ("failure" in outcome) return [`the term ends by a bug: ${outcome.failure}`];
  const refusals = outcome.answers.flatMap((answer, index) =>
    answer instanceof RequestError ? [refusal(inputs[index], answer)] : [],
  );
  const written = outcome.writes.map(describeWrite).filter((line) => line !== undefined);
  const told = outcome.effects.map(describeEffect).filter((line) => line !== undefined);
  return [...refusals, ...written, ...told];
}

function refusal(input: Unstamped<Input> | undefined, { code, message, fields }: RequestError): string {
  const where = fields.map(({ field }) => field).join(", ");
  return `refused ${input?.kind}: ${code}: ${message}${where && ` (${where})`}`;
}

function describeWrite(write: RowWrite): string | undefined {
  switch (write.table) {
    case "job":
      return write.value ? describeJob(write.value) : `forgot job ${write.key}`;
    // Says no more than the job that is written with it.
    case "spec":
      return undefined;
    case "tenant":
      return `saved tenant ${write.key}`;
    case "node":
      return `saved node ${write.key}: ${write.value.inventory.devices.length} devices`;
    case "membership":
      return write.value
        ? `issued membership ${write.key}: ${write.value.members.length} nodes`
        : `forgot membership ${write.key}`;
    default:
      return unreachable(write);
  }
}

function describeJob(job: Job): string {
  const { id, attempt } = job;
  switch (job.phase) {
    case "queued":
      return attempt === 0 ? `queued job ${id}` : `queued job ${id} again after attempt ${attempt}`;
    case "held":
      return `held job ${id}: ${describeHold(job.hold)}`;
    case "starting": {
      const begun = job.allocations.filter(({ state }) => state.phase !== "assigned").length;
      const places = job.allocations.map(describePlace).join(" + ");
      return begun === 0
        ? `placed job ${id} attempt ${attempt} on ${places}`
        : `job ${id} attempt ${attempt}: ${begun} of ${job.allocations.length} ranks have begun`;
    }
    case "running":
      return `job ${id} attempt ${attempt} runs on ${job.allocations.map(({ node }) => node).join(" + ")}`;
    case "stopping": {
      const left = job.allocations.filter(isHeld).length;
      return `stopped job ${id} attempt ${attempt} (${left} ranks left), ${job.verdict.kind}: ${job.verdict.message}`;
    }
    case "finished":
      return `finished job ${id} after attempt ${attempt}, ${job.outcome.kind}: ${job.outcome.message}`;
  }
}

function describeHold(hold: Hold): string {
  switch (hold.kind) {
    case "backoff":
      return `until ${formatTimestamp(hold.until)}: ${hold.why}`;
    case "not-before":
      return `until ${formatTimestamp(hold.until)}`;
    case "dependencies":
      return `for ${hold.on.join(", ")}`;
  }
}

function describePlace({ node, devices, cpuCores, memoryMb }: Allocation): string {
  const gpus = devices.length === 0 ? "no GPUs" : `GPUs ${devices.join(", ")}`;
  return `${node} (${gpus}; ${cpuCores} cores, ${memoryMb} MB)`;
}

function describeEffect(effect: Effect): string | undefined {
  switch (effect.kind) {
    case "launch":
      return `told ${effect.node} to launch ${allocationName(keyOf(effect.job, effect.allocation))}`;
    case "stop":
      return `told ${effect.node} to stop ${allocationName(effect.key)} within ${effect.graceMs} ms: ${effect.reason}`;
    case "release":
      return `told ${effect.node} to forget ${allocationName(effect.key)}`;
    case "reject":
      return `turned ${effect.node} away: ${effect.reason}`;
    case "welcome":
      return `welcomed ${effect.node}`;
    case "membership":
      return `told ${effect.node} of membership ${effect.membership.version}`;
    case "alarm":
      return effect.message;
    // Every few seconds from every node.
    case "heartbeat-ack":
      return undefined;
    default:
      return unreachable(effect);
  }
}
