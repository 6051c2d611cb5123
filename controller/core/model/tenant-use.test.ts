import { expect, test } from "vitest";
import { asTenantId } from "../../../base/ids.ts";
import { TenantUse } from "./tenant-use.ts";

const DAY = 24 * 60 * 60_000;
const [a, b] = [asTenantId("tenant-1"), asTenantId("tenant-2")];

test("what was used a half-life ago counts half, and goes on to do so after thousands of half-lives", () => {
  const use = new TenantUse(DAY, 0);
  for (const days of [0, 400, 800, 5_000, 10_000]) {
    use.charge(a, 1_000, days * DAY);
    use.settle(a, 1_000, 1_000, days * DAY, days * DAY);
    use.charge(b, 1_000, (days + 1) * DAY);
    use.settle(b, 1_000, 1_000, (days + 1) * DAY, (days + 1) * DAY);
    expect(use.weighed(b) / use.weighed(a)).toBeCloseTo(2, 9);
  }
});
