/** What became of a submission, on its way out. */
import type { RequestError } from "../../../base/errors.ts";
import type { SubmitJobResponse } from "../../../proto/generated/gpusched/v1/SubmitJobResponse.ts";
import type { SubmitRefusal } from "../../../proto/generated/gpusched/v1/SubmitRefusal.ts";
import type { Answers } from "../../core/input.ts";

export function fromSubmitted({ jobId, jobIds }: Answers["submit-job"]): SubmitJobResponse {
  return { job_id: jobId, ...(jobIds ? { job_ids: [...jobIds] } : {}) };
}

export function fromRefusal({ code, message, fields }: RequestError): SubmitRefusal {
  return { message, detail: { code, fields: [...fields] } };
}
