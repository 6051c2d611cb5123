import { expect, test } from "vitest";
import { DEFAULT_CONTAINER_POLICY } from "../../policy/container-policy.ts";
import { networkFault, networkMode, networkOptions, tenantNetwork } from "./tenant-network.ts";

test("each tenant has a network of its own on each engine, always the same, whose interface the kernel accepts", () => {
  const all = ["a", "b", "", "ä\n", "x".repeat(500)].flatMap((tenant) =>
    ["one", "two"].map((engine) => tenantNetwork(tenant, engine)),
  );
  expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
  for (const { name, bridge } of all) {
    expect(bridge).toMatch(/^gs-[0-9a-f]{12}$/);
    expect(bridge.length).toBeLessThanOrEqual(15);
    expect(name).toBe(`gpusched-${bridge.slice(3)}`);
  }
  expect(tenantNetwork("a", "one")).toEqual(all[0]);
});

test("containers have it by default, and another one where the policy says so", () => {
  const of = (network: string) => networkMode({ ...DEFAULT_CONTAINER_POLICY, network }, "a", "one");
  expect(networkMode(DEFAULT_CONTAINER_POLICY, "a", "one")).toBe(tenantNetwork("a", "one").name);
  expect(["default", "none", "host", "mine"].map(of)).toEqual(["default", "none", "host", "mine"]);
});

test("a network that is there is the tenant's only if it was made for it, and as it would be made", () => {
  const wanted = tenantNetwork("a", "one");
  const { Labels = {}, Driver = "", Options = {} } = networkOptions("a", wanted);
  const fault = (change: object) => networkFault({ Labels, Driver, Options, ...change } as never, "a", wanted);
  expect(fault({})).toBeUndefined();
  expect(fault({ Labels: {} })).toBe("was not made by gpusched for this tenant");
  expect(fault({ Labels: { "gpusched.network": "b" } })).toBe("was not made by gpusched for this tenant");
  expect(fault({ Driver: "macvlan" })).toBe("has the driver macvlan");
  expect(fault({ Options: {} })).toBe(`has another interface than ${wanted.bridge}`);
});
