import { expect, test } from "vitest";
import { hasKnownDefects } from "./etcd-version.ts";

test.each(["3.3.27", "3.4.23", "3.4.99", "3.5.0", "3.5.27", "3.6.0", "3.6.8", "2.3.8", "", "x"])(
  "%s is too old",
  (version) => expect(hasKnownDefects(version)).toBe(true),
);

test.each(["3.5.28", "3.5.30", "3.6.9", "3.6.12", "3.7.0", "3.10.1", "4.0.0", "3.6.9-rc.1"])("%s will do", (version) =>
  expect(hasKnownDefects(version)).toBe(false),
);
