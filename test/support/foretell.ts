import type { JobId } from "../../base/ids.ts";
import type { State } from "../../controller/core/model/state.ts";
import { Outlook } from "../../controller/core/outlook.ts";
import { atOnce } from "../../controller/core/slices.ts";

/** How long until a waiting job starts, in milliseconds; undefined when that cannot be told. */
export function estimateWaitMs(state: State, id: JobId, at: number): number | undefined {
  const start = atOnce(new Outlook(state, at).startOf(id));
  return start.at === undefined ? undefined : start.at - at;
}
