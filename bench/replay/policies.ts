import type { Policies as CorePolicies } from "../../program/policy-file.ts";

/** Who is to schedule: the production core under some policies, and the baselines that are wanted. */
export interface Policies {
  readonly core: CorePolicies;
  /** Whether the row of this name, `core: NAME` or a baseline's, is asked for. */
  readonly isWanted: (row: string) => boolean;
}
