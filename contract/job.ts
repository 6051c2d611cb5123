/** What a user may send as a job: one schema for types, validation and documents. Bounds and defaults are the documented ones. */
import { z } from "zod";
import { MINUTE_MS } from "../base/time.ts";
import { imageProblem } from "./image.ts";
import { RESERVED_LABEL, RESERVED_VARIABLE } from "./reserved.ts";
import { TENANT_ID } from "./tenant.ts";
import { displayName, flag, moment, programText, stringMap, wholeNumber } from "./text.ts";
import { volumesField } from "./volume.ts";

export const MAX_GPUS_PER_JOB = 4_096;
export const MAX_SCRIPT_BYTES = 64 * 1024;
const MAX_ARGUMENT_BYTES = 64 * 1024;
const MAX_ENVIRONMENT_BYTES = 64 * 1024;
const MAX_ENVIRONMENT_VALUE_BYTES = 32 * 1024;
const MAX_MB = 2_147_483_647;
const TEN_YEARS_MINUTES = 5_256_000;
const MAX_DEPENDENCIES = 100;
/** Of one array, and of all submissions of a batch together. */
export const MAX_JOBS_PER_REQUEST = 10_000;

export const tenantIdField = z
  .string({ error: "must be a string such as tenant-123" })
  .regex(TENANT_ID, { error: "must be a tenant id such as tenant-123" });

const labels = stringMap({
  name: /^[A-Za-z0-9]([A-Za-z0-9._/-]{0,61}[A-Za-z0-9])?$/,
  nameError: "must have names of 1 to 63 letters, digits and . _ - /",
  value: z.string({ error: "must have strings as values" }).regex(/^[A-Za-z0-9._/:@+-]{0,255}$/, {
    error: "must have values of at most 255 letters, digits and . _ - / : @ +",
  }),
  maxEntries: 64,
});

const ownLabels = labels.check((context) => {
  for (const name of Object.keys(context.value)) {
    if (!RESERVED_LABEL.test(name)) continue;
    context.issues.push({
      code: "custom",
      message: "is reserved and cannot be set",
      path: [name],
      input: context.value,
    });
  }
});

const environment = z
  .record(z.string(), programText(MAX_ENVIRONMENT_VALUE_BYTES), { error: "must be an object of strings" })
  .check((context) => {
    const refuse = (message: string, path: string[] = []) =>
      context.issues.push({ code: "custom", message, path, input: context.value });
    const names = Object.keys(context.value);
    if (names.length > 256) refuse("must have at most 256 variables");
    let bytes = 0;
    for (const name of names) {
      bytes += Buffer.byteLength(name) + Buffer.byteLength(context.value[name] ?? "");
      if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
        refuse("must be named by letters, digits and underscores, not starting with a digit", [name]);
      } else if (RESERVED_VARIABLE.test(name)) refuse("is reserved and cannot be set", [name]);
    }
    if (bytes > MAX_ENVIRONMENT_BYTES) refuse(`must be at most ${MAX_ENVIRONMENT_BYTES} bytes in all`);
  });

const argumentList = z
  .array(programText(MAX_ARGUMENT_BYTES), { error: "must be a list of strings" })
  .max(1_024, { error: "must have at most 1024 items" })
  .refine((items) => items.reduce((sum, item) => sum + Buffer.byteLength(item) + 1, 0) <= MAX_ARGUMENT_BYTES, {
    error: `must be at most ${MAX_ARGUMENT_BYTES} bytes in all`,
  });

/** How a job's id looks, and an array's; whether it exists is another question. */
export const JOB_ID = /^job-\d{1,19}$/;

const dependencies = z
  .array(
    z.string({ error: "must be a job id such as job-17" }).regex(JOB_ID, { error: "must be a job id such as job-17" }),
    { error: "must be a list of job ids" },
  )
  .max(MAX_DEPENDENCIES, { error: `must have at most ${MAX_DEPENDENCIES} items` })
  .refine((ids) => new Set(ids).size === ids.length, { error: "must not name a job twice" });

const array = z.strictObject({ count: wholeNumber(1, MAX_JOBS_PER_REQUEST) }, { error: 'must be {"count": n}' });

/** The body of `POST /jobs`. Fields left out take their defaults in the controller, where the tenant is known. */
export const jobRequestSchema = z
  .strictObject({
    tenant_id: tenantIdField,
    name: displayName(),
    priority: wholeNumber(0, 10_000).optional(),
    gpu_count: wholeNumber(0, MAX_GPUS_PER_JOB),
    gpu_memory_mb: wholeNumber(0, MAX_MB).optional(),
    gpu_model: displayName()
      .refine((text) => text.split("|").some((part) => part.trim() !== ""), {
        error: "must name a model, such as H100 or A100|H100",
      })
      .optional(),
    gpu_milli: wholeNumber(1, 1_000).optional(),
    cpu_cores: wholeNumber(1, 1_000_000).optional(),
    memory_mb: wholeNumber(1, MAX_MB).optional(),
    shm_size_mb: wholeNumber(1, MAX_MB).optional(),
    image: z
      .string({ error: "must be a string" })
      .check((context) => {
        const problem = imageProblem(context.value);
        if (problem) context.issues.push({ code: "custom", message: problem, input: context.value });
      })
      .optional(),
    command: argumentList
      .refine((items) => items.length > 0, { error: "must not be empty" })
      .refine((items) => items[0] !== "", { error: "must not start with an empty string" })
      .optional(),
    args: argumentList.optional(),
    script: programText(MAX_SCRIPT_BYTES)
      .refine((text) => text !== "", { error: "must not be empty" })
      .optional(),
    environment: environment.optional(),
    gang_scheduling: flag().optional(),
    gpus_per_node: wholeNumber(1, MAX_GPUS_PER_JOB).optional(),
    max_runtime_minutes: wholeNumber(1, TEN_YEARS_MINUTES).optional(),
    max_retries: wholeNumber(0, 100).optional(),
    preemption_grace_seconds: wholeNumber(0, 3_600).optional(),
    on_node_lost: z.enum(["requeue", "wait"], { error: "must be requeue or wait" }).optional(),
    on_preempt: z.enum(["requeue", "cancel"], { error: "must be requeue or cancel" }).optional(),
    labels: ownLabels.optional(),
    node_selector: labels.optional(),
    depends_on: dependencies.optional(),
    not_before: moment(TEN_YEARS_MINUTES * MINUTE_MS).optional(),
    array: array.optional(),
    volumes: volumesField.optional(),
  })
  .check((context) => {
    const job = context.value;
    const refuse = (field: string, message: string) =>
      context.issues.push({ code: "custom", message, path: [field], input: job });
    if (job.gang_scheduling && job.gpu_count === 0) refuse("gang_scheduling", "needs a gpu_count of at least 1");
    if (job.gpu_milli !== undefined) {
      if (job.gpu_count !== 1) refuse("gpu_milli", "is only for jobs with a gpu_count of 1");
      const reserved = Object.keys(job.environment ?? {}).find((name) => name.startsWith("CUDA_MPS_"));
      if (reserved) refuse(`environment.${reserved}`, "is reserved for jobs with gpu_milli");
    }
    if (job.shm_size_mb !== undefined && job.memory_mb !== undefined && job.shm_size_mb > job.memory_mb)
      refuse("shm_size_mb", `must not be more than memory_mb (${job.memory_mb})`);
    if (job.gpus_per_node === undefined) return;
    if (!job.gang_scheduling) refuse("gpus_per_node", "is only for jobs with gang_scheduling true");
    else if (job.gpu_count % job.gpus_per_node !== 0)
      refuse("gpus_per_node", `must divide gpu_count (${job.gpu_count})`);
  });

/** A job as a user asked for it, checked; `not_before` in milliseconds since the epoch. */
export type JobRequest = z.output<typeof jobRequestSchema>;
