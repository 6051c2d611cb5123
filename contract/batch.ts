/** What a user may send as a batch of jobs. Each is checked on its own, so that one in error keeps none of the others back. */
import { z } from "zod";

const MAX_SUBMISSIONS = 1_000;

/** The body of `POST /jobs/batch`. */
export const batchRequestSchema = z.strictObject({
  jobs: z
    .array(z.unknown(), { error: "must be a list of jobs" })
    .min(1, { error: "must have at least one job" })
    .max(MAX_SUBMISSIONS, { error: `must have at most ${MAX_SUBMISSIONS} jobs` }),
});
