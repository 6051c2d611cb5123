import { type AllocationKey, allocationName } from "../../../base/ids.ts";
import { MINUTE_MS } from "../../../base/time.ts";
import { type Activities, isOnAnyDevice, isSettled } from "./activity.ts";
import { type Finding, jobText } from "./finding.ts";
import type { View } from "./find-on-devices.ts";
import type { SeenAllocation } from "./sighting.ts";

/** How often a job that does not use its devices is asked whether it still sees them. */
const ASK_EVERY_MS = 5 * MINUTE_MS;
/** So many answers in a row say that it does not. */
const MISSES_NEEDED = 2;

/** A question to the executor: does the job still see its devices? */
export interface ViewQuestion {
  readonly key: AllocationKey;
  /** A program may be run inside for it; else only what the host shows is looked at. */
  readonly mayRun: boolean;
}

interface InsideView {
  /** It has seen them at some time, so that it can have lost them. */
  hadView: boolean;
  misses: number;
  askedAtMs: number;
  wasActive: boolean;
}

/**
 * Whether jobs still see their devices from inside. Only a job that had them and has no process on any of them now is ever said to
 * have lost them: what is open stays open, and a job that computes is not disturbed.
 */
export class InsideViews {
  #views = new Map<string, InsideView>();

  /** The questions that are due now. */
  due(view: View, activities: Activities, atMs: number): readonly ViewQuestion[] {
    const next = new Map<string, InsideView>();
    const questions: ViewQuestion[] = [];
    for (const allocation of view.wanted) {
      if (!isSettled(allocation) || allocation.deviceIds.length === 0) continue;
      const name = allocationName(allocation.key);
      const known = this.#views.get(name);
      const inside = known ?? { hadView: false, misses: 0, askedAtMs: atMs, wasActive: false };
      next.set(name, inside);
      const isActive = isOnAnyDevice(view, allocation);
      const had = inside.hadView || activities.hasBeenActive(allocation);
      const isDue = inside.misses > 0 || inside.wasActive || atMs - inside.askedAtMs >= ASK_EVERY_MS;
      inside.wasActive = isActive;
      if (!known) questions.push({ key: allocation.key, mayRun: false });
      if (!known || isActive || !had || !isDue) continue;
      inside.askedAtMs = atMs;
      questions.push({ key: allocation.key, mayRun: true });
    }
    this.#views = next;
    return questions;
  }

  /** An answer; undefined is that it cannot be told. */
  learn(key: AllocationKey, sees: boolean | undefined): void {
    const inside = this.#views.get(allocationName(key));
    if (!inside || sees === undefined) return;
    inside.misses = sees ? 0 : inside.misses + 1;
    inside.hadView ||= sees;
  }

  find(view: View, activities: Activities): readonly Finding[] {
    return view.wanted.filter((one) => this.#hasLost(view, activities, one)).map(lostFinding);
  }

  #hasLost(view: View, activities: Activities, allocation: SeenAllocation): boolean {
    const inside = this.#views.get(allocationName(allocation.key));
    if (!inside || !isSettled(allocation) || inside.misses < MISSES_NEEDED) return false;
    return (inside.hadView || activities.hasBeenActive(allocation)) && !isOnAnyDevice(view, allocation);
  }
}

function lostFinding({ key, deviceIds }: SeenAllocation): Finding {
  return {
    id: `lost-inside:${allocationName(key)}`,
    kind: "lost-inside",
    deviceIds,
    key,
    text: `${jobText(key)}, which had it and does not see it any more`,
  };
}
