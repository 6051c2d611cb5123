import { expect, test } from "vitest";
import { sourceProblem, targetProblem, targetsProblem } from "./volume-path.ts";
import { volumesField } from "./volume.ts";

test.each(["/data", "/users/alice/set 1", "/mnt/größe", "/srv/a.b/..c", "/tmp/x"])("%s may be a source", (path) => {
  expect(sourceProblem(path)).toBeUndefined();
});

test.each([
  ["", "must be an absolute path"],
  ["data", "must be an absolute path"],
  ["/", "must not be /"],
  ["/a/../b", 'must not contain ".."'],
  ["/a/", "must be a plain path"],
  ["/a//b", "must be a plain path"],
  ["/a/./b", "must be a plain path"],
  ["/a\0", "must not contain control characters"],
  [`/${"x".repeat(1_024)}`, "must be at most 1024 bytes"],
  ["/etc", "must not be /etc or lie in it"],
  ["/var/run/docker.sock", "must not be /var/run or lie in it"],
  ["/var", "must not have /var/run in it"],
  ["/var/lib", "must not have /var/lib/docker in it"],
])("%j may not be one", (path, problem) => {
  expect(sourceProblem(path)).toContain(problem);
});

test("a name that only begins like a reserved one is another", () => {
  expect([sourceProblem("/etcetera"), sourceProblem("/procs/a"), targetProblem("/development")]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});

test("places lie beside each other", () => {
  expect(targetsProblem(["/a", "/b", "/ab"])).toBeUndefined();
  expect(targetsProblem(["/a", "/b", "/a"])).toBe("must not have the target /a twice");
  expect(targetsProblem(["/a/b", "/a"])).toBe("must not have the target /a/b within another one, /a");
});

test("there are 32 at most, each with known fields", () => {
  const many = (count: number) => Array.from({ length: count }, (_, i) => ({ source: "/data", target: `/m${i}` }));
  expect(volumesField.safeParse(many(32)).success).toBe(true);
  expect(volumesField.safeParse(many(33)).success).toBe(false);
  expect(volumesField.safeParse([{ source: "/data", target: "/m", options: "suid" }]).success).toBe(false);
  expect(volumesField.safeParse([{ source: "/data", target: "/m", read_only: "no" }]).success).toBe(false);
});
