import type { QueueGroup } from "../model/job-queue.ts";
import { predicts } from "../model/runtime-history.ts";
import type { State } from "../model/state.ts";
import type { Regrouping } from "./memory.ts";

/** Jobs that are looked at in one pass, or as many moves as cost the same. */
const WORK_OF_A_PASS = 16;
/** Places in a long group that are moved up in the time in which a job is looked at. */
const PLACES_A_LOOK = 4_096;

/**
 * As jobs end, more telling histories come to be than those by which jobs that wait have been predicted, or old ones are
 * forgotten: the waiting jobs of such tenants are put where they belong by now. A bounded number at a time, however many wait,
 * in the order of their groups; counted in work, not time, so that the same inputs give the same decisions.
 */
export function regroup(state: State): void {
  const { scheduling } = state;
  scheduling.regrouping ??= state.history.hasRekeyed ? begin(state) : undefined;
  for (let work = WORK_OF_A_PASS; work > 0 && scheduling.regrouping; ) work -= lookOn(state, scheduling.regrouping);
}

/** Whether every waiting job is where it belongs. */
export function isGrouped(state: State): boolean {
  return !state.scheduling.regrouping && !state.history.hasRekeyed;
}

function begin(state: State): Regrouping {
  const groups = state.queue.groups[Symbol.iterator]();
  return { tenants: state.history.takeRekeyed(), groups, group: undefined, last: undefined, place: -1 };
}

/** Looks at the next job, or turns to the next group; says how much work it was. */
function lookOn(state: State, walk: Regrouping): number {
  const place = walk.group ? nextPlace(walk.group, walk) : 0;
  const job = walk.group?.at(place);
  if (!walk.group || !job) {
    turnToNextGroup(state, walk);
    return 1;
  }
  const { group } = walk;
  if (state.historyKeyOf(state.spec(job.id), group.facts.kind) === group.facts.historyKey) {
    walk.last = job;
    walk.place = place;
    return 1;
  }
  const moved = place === 0 ? 0 : group.size;
  state.regroup(job);
  return 1 + moved / PLACES_A_LOOK;
}

/** The place after the last one that was looked at, though jobs before it, or itself, may have left meanwhile. */
function nextPlace(group: QueueGroup, { last, place }: Regrouping): number {
  if (!last) return 0;
  const found = group.at(place)?.id === last.id ? place : group.indexOf(last);
  return group.at(found)?.id === last.id ? found + 1 : found;
}

function turnToNextGroup(state: State, walk: Regrouping): void {
  const { value: group } = walk.groups.next();
  if (!group) {
    state.scheduling.regrouping = undefined;
    return;
  }
  const { tenantId, limitMinutes, historyKey } = group.facts;
  const isPredicted = predicts(state.settings.policy, limitMinutes);
  const mayMove = isPredicted && walk.tenants.has(tenantId) && !state.history.isMostTelling(historyKey);
  walk.group = mayMove ? group : undefined;
  walk.last = undefined;
  walk.place = -1;
}
