import { expect, test } from "vitest";
import { Controllers } from "./controllers.ts";

test("the controllers are tried in turn", () => {
  const controllers = new Controllers(["a:1", "b:1"]);
  expect([controllers.next(), controllers.next(), controllers.next()]).toEqual(["a:1", "b:1", "a:1"]);
});

test("a hint is tried once, then the turn goes on", () => {
  const controllers = new Controllers(["a:1", "b:1"]);
  expect(controllers.next()).toBe("a:1");
  expect(controllers.follow("z:9", "a:1")).toBe(true);
  expect([controllers.next(), controllers.next()]).toEqual(["z:9", "b:1"]);
});

test("no hint, an empty one and one at oneself are not followed", () => {
  const controllers = new Controllers(["a:1"]);
  for (const hint of [undefined, "", "a:1"]) expect(controllers.follow(hint, "a:1")).toBe(false);
});

test("after three hints in a row there is a pause, unless a leader answered in between", () => {
  const controllers = new Controllers(["a:1"]);
  const follow = (): boolean => controllers.follow("z:9", "a:1");
  expect([follow(), follow(), follow(), follow()]).toEqual([true, true, true, false]);
  expect([follow(), follow(), follow()]).toEqual([true, true, true]);
  controllers.welcomed();
  expect(follow()).toBe(true);
});
