import fc from "fast-check";
import { expect, test } from "vitest";
import { asTenantId } from "../../../base/ids.ts";
import type { JobSpec } from "./job.ts";
import { RuntimeHistory } from "./runtime-history.ts";

const run = fc.record({
  name: fc.constantFrom("a", "b"),
  gpuCount: fc.constantFrom(1, 2),
  tenant: fc.constantFrom("tenant-1", "tenant-2"),
  ranMs: fc.integer({ min: 1, max: 1_000_000 }),
});

/** All that is known, in order: for comparing. */
function contents(history: RuntimeHistory, specs: readonly JobSpec[]): unknown {
  return specs.map((spec) => {
    const key = history.keyFor(spec, `${spec.gpuCount}`);
    return [key, ...[0, 0.25, 0.5, 0.75, 1].map((quantile) => history.predict(key, quantile))];
  });
}

test("many runs at once come to the same as one after the other", () => {
  fc.assert(
    fc.property(fc.array(run, { maxLength: 200 }), (runs) => {
      const all = runs.map(({ name, gpuCount, tenant, ranMs }) => {
        const spec: JobSpec = { tenantId: asTenantId(tenant), name, gpuCount };
        return { spec, shape: `${gpuCount}`, ranMs };
      });
      const [one, other] = [new RuntimeHistory(), new RuntimeHistory()];
      for (const { spec, shape, ranMs } of all) one.add(spec, shape, ranMs);
      other.addAll(all.toReversed());
      const specs = [...all.map(({ spec }) => spec), { tenantId: asTenantId("tenant-1"), name: "c", gpuCount: 3 }];
      expect(contents(other, specs)).toEqual(contents(one, specs));
    }),
    { numRuns: 200 },
  );
});
