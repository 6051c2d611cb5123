/**
 * What the documented contract names and this version does not build yet: refused by name, never accepted and ignored.
 * An entry leaves this page when its feature lands.
 */
export const NOT_YET_JOB_FIELDS: readonly string[] = [
  "array",
  "depends_on",
  "not_before",
  "gpu_milli",
  "volumes",
  "shm_size_mb",
];

/** Query parameters of `POST /jobs`. */
export const NOT_YET_SUBMIT_PARAMETERS: readonly string[] = ["dry_run"];

export const NOT_YET_TENANT_FIELDS: readonly string[] = [
  "fair_share_weight",
  "gpu_hours_budget",
  "budget_window_days",
  "cost_per_gpu_hour",
];
