import { randomInt } from "node:crypto";
import { delay } from "../../../base/abort.ts";
import { messageOf } from "../../../base/errors.ts";
import { SECOND_MS } from "../../../base/time.ts";
import { persistently } from "./etcd-client.ts";
import { EtcdError, NO_SPACE_ADVICE } from "./etcd-error.ts";
import type { Layout } from "./layout.ts";
import type { LeaderWatch } from "./leader-watch.ts";
import { found, get, isCreatedBy, put } from "./requests.ts";
import { EtcdTenure, type LeaseOptions, reliableMs } from "./tenure.ts";

export interface ElectionOptions extends LeaseOptions {
  readonly layout: Layout;
  readonly leaderWatch: LeaderWatch;
  /** Written into the election key, for those who look for the leader. */
  readonly candidate: { readonly address: string; readonly instance: string };
}

/** The largest that `randomInt` takes: a lease's id must be exact as a JavaScript number. */
const LEASE_IDS = 2 ** 48 - 1;
/** How often in a lease's time a waiting candidate asks by itself: a watch may have got stuck. */
const LOOKS = 5;

/**
 * Waits until nobody leads, and leads: puts the election key, with a lease, only if it is not there. Whoever sees the key sees
 * one leader; the revision that made it is the term.
 */
export async function winElection(options: ElectionOptions, signal: AbortSignal): Promise<EtcdTenure> {
  const { leaderWatch, leaseTtlMs } = options;
  for (;;) {
    signal.throwIfAborted();
    const { promise: changed, resolve } = Promise.withResolvers<void>();
    const ignore = leaderWatch.onChange(() => resolve());
    try {
      if (!(await leaderWatch.look(signal))) {
        const tenure = await tryToLead(options, signal);
        if (tenure) return tenure;
      }
    } catch (error) {
      signal.throwIfAborted();
      logFailure(error, options);
    }
    const pause = new AbortController();
    await Promise.race([changed, delay(leaseTtlMs / LOOKS, AbortSignal.any([signal, pause.signal]))]);
    pause.abort();
    ignore();
  }
}

async function tryToLead(options: ElectionOptions, signal: AbortSignal): Promise<EtcdTenure | undefined> {
  const { client, clock, layout, leaderWatch, leaseTtlMs, candidate } = options;
  const id = randomInt(1, LEASE_IDS);
  // Whatever etcd counts from, it is no earlier than this.
  const sentAtMs = clock.monotonicMs();
  await client.grantLease(id, Math.ceil(leaseTtlMs / SECOND_MS), { signal });
  let term: number | undefined;
  try {
    const request = {
      compare: [isCreatedBy(layout.leader, 0)],
      success: [put(layout.leader, JSON.stringify(candidate), id)],
      failure: [get(layout.leader)],
    };
    const response = await persistently(signal, () => client.txn(request, { signal }), reliableMs(leaseTtlMs));
    const revision = response.header?.revision ?? 0;
    const leader = response.succeeded ? undefined : found(response, 0);
    // With our lease: an earlier attempt was done, and its answer was lost.
    if (response.succeeded) term = revision;
    else if (leader?.lease === id) term = leader.create_revision;
    else leaderWatch.note(leader, revision);
  } finally {
    if (term === undefined) void client.revokeLease(id).catch(() => undefined);
  }
  if (term === undefined) return undefined;
  leaderWatch.set({ term, ...candidate }, term);
  return new EtcdTenure(options, { id, term, sentAtMs });
}

function logFailure(error: unknown, { log }: ElectionOptions): void {
  const isFull = error instanceof EtcdError && error.code === "no_space";
  if (isFull) log.error({ error: messageOf(error) }, NO_SPACE_ADVICE);
  else log.warn({ error: messageOf(error) }, "cannot stand for election in etcd");
}
