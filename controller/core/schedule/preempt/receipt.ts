import type { JobIn } from "../../model/job.ts";
import type { PreemptionPlan } from "./plan.ts";
import type { Victim } from "./victim.ts";

/** Victims that a sentence names; the others are counted. */
const MAX_NAMED = 8;
/** Thousandths of a GPU × milliseconds in a GPU-second. */
const GPU_SECOND = 1_000_000;

/** What a victim's history says: for whom, why, and what it cost. */
export function victimReceipt(by: JobIn<"queued">, victim: Victim): string {
  const priorities = `priority ${by.effectivePriority} over ${victim.job.effectivePriority}`;
  return `makes room for ${by.id} of ${by.tenantId}, ${priorities}: ${lossOf(victim)}`;
}

/** What the preemptor's history says: who makes room, why, and what it cost in all. */
export function preemptorReceipt(by: JobIn<"queued">, { victims, places }: PreemptionPlan): string {
  const named = victims.slice(0, MAX_NAMED).map((victim) => {
    const { id, tenantId, effectivePriority } = victim.job;
    return `${id} of ${tenantId} with priority ${effectivePriority} (${lossOf(victim)})`;
  });
  if (victims.length > MAX_NAMED) named.push(`${victims.length - MAX_NAMED} more`);
  const total =
    victims.length > 1 ? `; ${gpuSeconds(victims.reduce((sum, { lost }) => sum + lost, 0))} lost in all` : "";
  const where = places.map(({ node }) => node.record.name).join(", ");
  return `with priority ${by.effectivePriority} it is given room on ${where} by ${named.join(", ")}${total}`;
}

function lossOf({ job, lost }: Victim): string {
  return `${gpuSeconds(lost)} lost since its ${job.checkpointAt === undefined ? "start" : "last checkpoint"}`;
}

function gpuSeconds(lost: number): string {
  const count = Math.round(lost / GPU_SECOND);
  return `${count} GPU-${count === 1 ? "second" : "seconds"}`;
}
