import { expect, test } from "vitest";
import { type Relay, Routes } from "./routes.ts";

const relay = (leader: string): Relay => ({ peer: "node-2", address: "node-2:9100", leader });
const failed = { welcomed: false, leader: undefined };
const lost = { welcomed: true, leader: undefined };

test("a leader that a peer names is tried directly before it is tried by way of the peer", () => {
  const named: Relay[] = [];
  const routes = new Routes(["a:1", "b:1"], () => named[0]);
  const first = routes.next();
  expect(first).toEqual({ address: "a:1" });
  routes.ended(first, failed);
  named.push(relay("c:1"));
  const second = routes.next();
  expect(second).toEqual({ address: "c:1" });
  routes.ended(second, failed);
  expect(routes.next()).toEqual({ address: "c:1", via: named[0] });
});

test("after a relay that was of use another is taken, after one that was not the controllers are tried again", () => {
  const known = relay("a:1");
  const routes = new Routes(["a:1"], () => known);
  routes.ended(routes.next(), failed);
  const relayed = routes.next();
  expect(relayed.via).toBe(known);
  routes.welcomed(relayed);
  routes.ended(relayed, lost);
  expect(routes.next().via).toBe(known);
  routes.ended(relayed, failed);
  expect(routes.next().via).toBeUndefined();
});

test("a leader that is reached again is dialled next, without a peer", () => {
  const known = relay("c:1");
  const routes = new Routes(["a:1"], () => known);
  for (let count = 0; count < 2; count += 1) routes.ended(routes.next(), failed);
  expect(routes.next().via).toBe(known);
  routes.reached("c:1");
  expect(routes.next()).toEqual({ address: "c:1" });
});

test("as long as no peer names a leader, the controllers are tried in turn", () => {
  const routes = new Routes(["a:1", "b:1"], () => undefined);
  const tried = Array.from({ length: 4 }, () => {
    const route = routes.next();
    routes.ended(route, failed);
    return route.address;
  });
  expect(tried).toEqual(["a:1", "b:1", "a:1", "b:1"]);
});

test("a leader that was lost is not waited for again when a peer hears it", () => {
  const named: Relay[] = [];
  const routes = new Routes(["a:1", "b:1"], () => named[0]);
  const stream = routes.next();
  routes.welcomed(stream);
  routes.ended(stream, lost);
  expect(routes.next()).toEqual({ address: "b:1" });
  named.push(relay("a:1"));
  expect(routes.next()).toEqual({ address: "a:1", via: named[0] });
});
