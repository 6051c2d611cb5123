import { expect, test } from "vitest";
import { DEFAULT_CONTAINER_POLICY } from "../../policy/container-policy.ts";
import type { FirewallFacts } from "../facts/firewall.ts";
import { checkFirewall } from "./firewall.ts";

const mark = { network: "tenant", controllers: ["a:1"], blockedDestinations: [], unresolved: [] };
const loaded: FirewallFacts = { mark, isLoaded: undefined, dockerMakesNone: false };

function look(network: string, facts: Partial<FirewallFacts> = {}) {
  const policy = { ...DEFAULT_CONTAINER_POLICY, network };
  return checkFirewall({ ...loaded, ...facts }, { policy, controllers: ["a:1"], isRootless: false });
}

test("the mark is believed by whoever may not ask the kernel, and the kernel by all others", () => {
  expect(look("tenant")).toMatchObject({ severity: "ok" });
  expect(look("tenant", { mark: undefined })).toMatchObject({ severity: "warning" });
  expect(look("tenant", { mark: undefined, isLoaded: true })).toMatchObject({ severity: "ok" });
  expect(look("tenant", { isLoaded: false })).toMatchObject({ severity: "warning" });
});

test("jobs without a network need no rules, and of those that no rules reach it is told", () => {
  expect(look("none", { mark: undefined })).toMatchObject({ severity: "ok" });
  expect(look("host").message).toContain("they share its network");
  expect(look("mine").message).toContain("say nothing about the network mine");
  expect(look("default", { mark: { ...mark, network: "default" } })).toMatchObject({ severity: "ok" });
  expect(look("default").message).toContain("another configuration");
});
