import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { UsageError } from "../base/options.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../base/time.ts";
import { DEFAULT_POLICY, POLICIES, policyNamed } from "../controller/core/model/policy.ts";
import { showPolicy } from "./policy-fields.ts";
import { choosePolicy, readPolicies } from "./policy-file.ts";

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "gpusched-policies-"));
});
afterAll(() => rmSync(directory, { recursive: true }));

function read(content: string) {
  const file = join(directory, "own.yaml");
  writeFileSync(file, content);
  return readPolicies(file);
}

function refusal(content: string): string {
  try {
    read(content);
  } catch (error) {
    if (error instanceof UsageError) return error.message.replace(`${directory}/`, "");
    throw error;
  }
  throw new Error("it was taken");
}

test("without a file there are the built-in policies", () => {
  expect(Object.fromEntries(readPolicies(undefined))).toEqual(POLICIES);
});

test("a policy of the file has what it says, and all else from the one that it extends", () => {
  const policies = read(`
night:
  extends: research
  backfill: none
research:
  extends: shortest-first
  aging: { every_hours: 1.5, points: 100, strict_after_days: 3 }
  fair_share_half_life_days: 30
  backfill_order: queue
  runtimes: limit
  prediction_quantile: 1
  placement: first-fit
  preemption: { min_run_minutes: 90, min_wait_seconds: 0.5, max_gpus_per_gpu: 4 }
plain: {}
`);
  expect([...policies.keys()]).toEqual([...Object.keys(POLICIES), "night", "research", "plain"]);
  const research = {
    ...policyNamed("shortest-first"),
    name: "research",
    aging: { stepMs: 1.5 * HOUR_MS, points: 100, strictAfterMs: 3 * DAY_MS },
    fairShareHalfLifeMs: 30 * DAY_MS,
    backfillOrder: "queue",
    runtimes: "limit",
    predictionQuantile: 1,
    placement: "first-fit",
    preemption: { minRunMs: 90 * MINUTE_MS, minWaitMs: 500, maxGpusPerGpu: 4 },
  };
  expect(policies.get("research")).toEqual(research);
  expect(policies.get("night")).toEqual({ ...research, name: "night", backfill: "none" });
  expect(policies.get("plain")).toEqual({ ...DEFAULT_POLICY, name: "plain" });
});

test("of a group of fields, those that are not said are the other policy's", () => {
  const { aging, preemption } = choosePolicy(
    read("r: { aging: { points: 1 }, preemption: { max_gpus_per_gpu: 0 } }"),
    "r",
  );
  expect(aging).toEqual({ ...DEFAULT_POLICY.aging, points: 1 });
  expect(preemption).toEqual({ ...DEFAULT_POLICY.preemption, maxGpusPerGpu: 0 });
});

test("what is shown of a policy is read as the same policy", () => {
  for (const policy of Object.values(POLICIES)) {
    const odd = { ...policy, aging: { ...policy.aging, stepMs: 1_234_567 }, name: "again" };
    expect(choosePolicy(read(stringify({ again: showPolicy(odd) })), "again")).toEqual(odd);
  }
});

test("a policy that there is none of is refused with the one that was probably meant", () => {
  expect(() => choosePolicy(read("night: {}"), "nihgt")).toThrow('there is no policy "nihgt"; did you mean night?');
});

describe("a file that cannot be used is refused with the policy and the field:", () => {
  test.each([
    ["r: { order: fast }", "own.yaml: policy r: order must be one of submission, shortest"],
    ["r: { order: }", "own.yaml: policy r: order must be one of submission, shortest"],
    ["r: { backfill: yes }", "own.yaml: policy r: backfill must be one of none, easy, conservative, greedy"],
    ["r: { ordr: shortest }", "own.yaml: policy r: ordr is not a known field"],
    ["r: { name: x }", "own.yaml: policy r: name is not a known field"],
    ["r: { aging: { every_days: 2 } }", "own.yaml: policy r: aging.every_days is not a known field"],
    ["r: { __proto__: { order: shortest } }", "own.yaml: policy r: __proto__ is not a known field"],
    ["r: { aging: { every_hours: -1 } }", "own.yaml: policy r: aging.every_hours must be a number from 0.01 to 87600"],
    ["r: { aging: { every_hours: 0 } }", "own.yaml: policy r: aging.every_hours must be a number from 0.01 to 87600"],
    [
      "r: { aging: { every_hours: .inf } }",
      "own.yaml: policy r: aging.every_hours must be a number from 0.01 to 87600",
    ],
    ["r: { aging: { points: 0.5 } }", "own.yaml: policy r: aging.points must be a whole number from 0 to 1000000"],
    ["r: { aging: 3 }", "own.yaml: policy r: aging must have fields such as every_hours, points, strict_after_days"],
    ["r: { aging: }", "own.yaml: policy r: aging must have fields such as every_hours, points, strict_after_days"],
    ["r: { prediction_quantile: 1.1 }", "own.yaml: policy r: prediction_quantile must be a number from 0 to 1"],
    ["r: { prediction_quantile: .nan }", "own.yaml: policy r: prediction_quantile must be a number from 0 to 1"],
    ["r: { prediction_quantile: '0.5' }", "own.yaml: policy r: prediction_quantile must be a number from 0 to 1"],
    [
      "r: { fair_share_half_life_days: 0.001 }",
      "own.yaml: policy r: fair_share_half_life_days must be 0, or a number from 1 to 3650",
    ],
    ["r: { preemption: { min_wait_seconds: -0.1 } }", /^own\.yaml: policy r: preemption\.min_wait_seconds must be/],
    ["r: { preemption: { max_gpus_per_gpu: 1e400 } }", /^own\.yaml: policy r: preemption\.max_gpus_per_gpu must be/],
    ["r: { extends: defualt }", 'own.yaml: policy r: extends: there is no policy "defualt"; did you mean default?'],
    ["r: { extends: constructor }", 'own.yaml: policy r: extends: there is no policy "constructor"'],
    ["r: { extends: 3 }", "own.yaml: policy r: extends must be the name of a policy"],
    ["r: { extends: r }", "own.yaml: policy r: extends itself: r extends r"],
    ["a: { extends: b }\nb: { extends: a }", "own.yaml: policy b: extends itself: a extends b extends a"],
    ["r:", "own.yaml: policy r: must be an object"],
    ["r: []", "own.yaml: policy r: must be an object"],
    ["default: {}", /^own\.yaml: policy default: a built-in policy has this name/],
    ["recorded: {}", /^own\.yaml: policy recorded: this is what policy-diff calls/],
    ["__proto__: {}", /^own\.yaml: policy __proto__: a name is 1 to 64 of the characters/],
    ["Night Shift: {}", /^own\.yaml: policy Night Shift: a name is 1 to 64 of the characters/],
    ["r: {}\nr: {}", "the policies file own.yaml has r twice, again in line 2"],
    ["r:\n  order: shortest\n  order: shortest", "the policies file own.yaml has r.order twice, again in line 3"],
    ["", /^the policies file own\.yaml must have policies by their names/],
    ["{}", /^the policies file own\.yaml must have policies by their names/],
    ["- r", /^the policies file own\.yaml must have policies by their names/],
    ["r: {", /^the policies file own\.yaml is not YAML: .* line 1/],
    ["r: *other", /^the policies file own\.yaml is not YAML: .*alias/],
  ])("%j", (content, message) => {
    expect(refusal(content)).toEqual(typeof message === "string" ? message : expect.stringMatching(message));
  });

  test("or that is not there", () => {
    expect(() => readPolicies(directory)).toThrow(`the policies file ${directory} cannot be read: EISDIR`);
  });
});
