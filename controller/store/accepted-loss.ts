/** How far a cluster has come. */
export interface Mark {
  readonly revision: number;
  readonly term: number;
}

/** Revisions that may have been made, and told to other agents, after the last one that was seen of a lost state. */
const UNSEEN_REVISIONS = 1_000_000;

/** The revision to go on from when everything after `revision` is lost, of which the newest that anybody named is `lost`. */
export function liftedRevision(revision: number, lost: Mark): number {
  return Math.max(revision, lost.revision) + UNSEEN_REVISIONS;
}
