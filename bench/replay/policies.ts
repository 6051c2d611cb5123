import { POLICIES } from "../../controller/core/model/policy.ts";
import type { Settings } from "../../controller/core/model/state.ts";

/** Settings of the production core that are compared, by name; `default` is what an operator gets who sets nothing. */
export const CORE_POLICIES: ReadonlyMap<string, Partial<Settings>> = new Map(
  Object.values(POLICIES).map((policy) => [policy.name, { policy }]),
);

/** Who is to schedule: the production core under some settings, and the baselines that are wanted. */
export interface Policies {
  readonly core: ReadonlyMap<string, Partial<Settings>>;
  /** Whether the row of this name, `core: NAME` or a baseline's, is asked for. */
  readonly isWanted: (row: string) => boolean;
}
