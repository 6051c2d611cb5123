import { expect, test } from "vitest";
import { checkProcessLimits } from "./process-limits.ts";

test("plain processes that are not held to what they asked for are told of, with what is missing", () => {
  const reason = "limited by control groups (version 2): memory; not limited: cores, processes (EROFS)";
  expect(checkProcessLimits({ reason, missing: ["cpu", "pids"] })).toMatchObject([
    {
      severity: "warning",
      message: `jobs may use more than they asked for (cores, processes): ${reason}`,
      cure: expect.stringContaining("DelegateSubgroup=agent"),
    },
  ]);
  expect(checkProcessLimits({ reason: "", missing: [] })).toMatchObject([{ severity: "ok" }]);
});

test("whoever is not the agent does not know", () => {
  expect(checkProcessLimits(undefined)).toMatchObject([{ severity: "unknown" }]);
});
