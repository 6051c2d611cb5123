import type { JobStatus } from "../../support/rest-client.ts";

/** `GET /jobs/{id}`, when all is over. */
export interface FinalJob extends JobStatus {
  readonly history: readonly { readonly at: string; readonly kind: string; readonly message: string }[];
}
