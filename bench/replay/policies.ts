import { POLICIES, type Policy } from "../../controller/core/model/policy.ts";

/** Policies of the production core that are compared: all that have names, `default` first. */
export const CORE_POLICIES: ReadonlyMap<string, Policy> = new Map(Object.entries(POLICIES));

/** Who is to schedule: the production core under some policies, and the baselines that are wanted. */
export interface Policies {
  readonly core: ReadonlyMap<string, Policy>;
  /** Whether the row of this name, `core: NAME` or a baseline's, is asked for. */
  readonly isWanted: (row: string) => boolean;
}
