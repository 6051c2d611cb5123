/** The fields of a policy as a file has them: their names, with units, and their bounds. */
import { z } from "zod";
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "../base/time.ts";
import { amount, wholeNumber } from "../contract/text.ts";
import { DEFAULT_POLICY, type Policy } from "../controller/core/model/policy.ts";

/** A field, or a group of fields. */
interface PolicyField<T = unknown> {
  /** Its name in the file. */
  readonly key: string;
  /** From what the file says to what the core has; a group may have any part of its fields. */
  readonly schema: z.ZodType;
  /** The way back. */
  show(value: T): unknown;
}

type PolicyFields<T> = { readonly [Name in keyof T]: PolicyField<T[Name]> };

/** Every field that the core has must be here: the type sees to it. */
const FIELDS: PolicyFields<Omit<Policy, "name">> = {
  aging: group("aging", {
    stepMs: time("every_hours", HOUR_MS, amount(0.01, 87_600)),
    points: plain("points", wholeNumber(0, 1_000_000)),
    strictAfterMs: time("strict_after_days", DAY_MS, amount(0, 3_650)),
  }),
  // Use is weighed by powers of two since the controller began: shorter half-lives would leave the range of numbers in months.
  fairShareHalfLifeMs: time(
    "fair_share_half_life_days",
    DAY_MS,
    amount(0, 3_650).refine((days) => days === 0 || days >= 1, { error: "must be 0, or a number from 1 to 3650" }),
  ),
  order: choice("order", ["submission", "shortest"]),
  backfill: choice("backfill", ["none", "easy", "conservative", "greedy"]),
  backfillOrder: choice("backfill_order", ["queue", "shortest"]),
  runtimes: choice("runtimes", ["limit", "prediction"]),
  predictionQuantile: plain("prediction_quantile", amount(0, 1)),
  placement: choice("placement", ["fragmentation", "best-fit", "first-fit"]),
  preemption: group("preemption", {
    minRunMs: time("min_run_minutes", MINUTE_MS, amount(0, 1_000_000)),
    minWaitMs: time("min_wait_seconds", SECOND_MS, amount(0, 1_000_000)),
    maxGpusPerGpu: plain("max_gpus_per_gpu", amount(0, 1_000)),
  }),
};

/** What a policy of the file says: whose other parts it has, and what is different. */
export interface PolicyChange {
  readonly extends: string;
  readonly change: { readonly [Name in keyof Omit<Policy, "name">]?: Partial<Policy[Name]> };
}

export const policySchema: z.ZodType<PolicyChange> = z
  .strictObject(
    { extends: z.string({ error: "must be the name of a policy" }).optional(), ...shapeOf(FIELDS) },
    { error: 'must have fields such as "extends: default"' },
  )
  .transform(({ extends: base = DEFAULT_POLICY.name, ...given }) => ({
    extends: base,
    change: renamed(FIELDS, given),
  }));

/** All fields with their values, as the file would have them. */
export function showPolicy({ name: _, ...fields }: Policy): unknown {
  return show(FIELDS, fields);
}

function plain<T>(key: string, schema: z.ZodType<T>): PolicyField<T> {
  return { key, schema, show: (value) => value };
}

/** In the file in its own unit, in milliseconds in the core. */
function time(key: string, unitMs: number, schema: z.ZodType<number>): PolicyField<number> {
  return {
    key,
    schema: schema.transform((value) => Math.round(value * unitMs)),
    show: (value) => value / unitMs,
  };
}

function choice<const T extends string>(key: string, choices: readonly [T, T, ...T[]]): PolicyField<T> {
  return plain(key, z.enum(choices, { error: `must be one of ${choices.join(", ")}` }));
}

function group<T extends object>(key: string, fields: PolicyFields<T>): PolicyField<T> {
  const schema = z.strictObject(shapeOf(fields), { error: `must have fields such as ${namesOf(fields).join(", ")}` });
  return { key, schema: schema.transform((given) => renamed(fields, given)), show: (value) => show(fields, value) };
}

function shapeOf(fields: PolicyFields<object>): Record<string, z.ZodType> {
  const list = Object.values(fields) as PolicyField[];
  return Object.fromEntries(list.map(({ key, schema }) => [key, schema.optional()]));
}

function namesOf(fields: PolicyFields<object>): readonly string[] {
  return (Object.values(fields) as PolicyField[]).map(({ key }) => key);
}

/** The values that were given, by the core's names. */
function renamed(fields: PolicyFields<object>, given: Readonly<Record<string, unknown>>): object {
  const list = Object.entries(fields) as [string, PolicyField][];
  return Object.fromEntries(
    list.map(([name, { key }]) => [name, given[key]]).filter(([, value]) => value !== undefined),
  );
}

function show<T extends object>(fields: PolicyFields<T>, values: T): unknown {
  const entries = Object.entries(fields) as [keyof T, PolicyField][];
  return Object.fromEntries(entries.map(([name, field]) => [field.key, field.show(values[name])]));
}
