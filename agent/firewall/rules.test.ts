import { expect, test } from "vitest";
import { nameserversOf } from "./firewall.ts";
import { parseMark } from "./mark.ts";
import { rulesText, type RuleFacts } from "./rules.ts";

const facts: RuleFacts = { network: "tenant", controllers: [], blocked: [], nameservers: [] };
const lines = (given: Partial<RuleFacts>) =>
  rulesText({ ...facts, ...given })
    .split("\n")
    .map((line) => line.trim());

test("what was there is replaced in one transaction, and nothing of anybody else's is touched", () => {
  expect(lines({}).slice(0, 4)).toEqual([
    "table inet gpusched",
    "delete table inet gpusched",
    "",
    "table inet gpusched {",
  ]);
  expect(rulesText(facts)).not.toContain("flush");
  expect(rulesText(facts).match(/^table/gm)).toHaveLength(2);
});

test("metadata, controllers, etcd and what the policy adds are dropped, by port where there is one", () => {
  const all = lines({
    controllers: [{ family: "ip", network: "10.1.2.3", port: 9_090 }],
    blocked: [
      { family: "ip", network: "10.0.0.0/8", port: undefined },
      { family: "ip6", network: "fd00::/8", port: 443 },
    ],
  });
  expect(all).toEqual(
    expect.arrayContaining([
      "ip daddr 169.254.0.0/16 drop",
      "ip6 daddr fe80::/10 drop",
      "ip6 daddr fd00:ec2::254 drop",
      "ip daddr 10.1.2.3 meta l4proto { 6, 17 } th dport 9090 drop",
      "ip daddr 10.0.0.0/8 drop",
      "ip6 daddr fd00::/8 meta l4proto { 6, 17 } th dport 443 drop",
      "tcp dport { 2379, 2380 } drop",
    ]),
  );
});

test("Docker's own bridge is among those of jobs only where the policy puts jobs there", () => {
  expect(rulesText(facts)).not.toContain("docker0");
  expect(lines({ network: "default" })).toEqual(
    expect.arrayContaining(['iifname "docker0" jump from-jobs', 'iifname "docker0" jump to-host']),
  );
});

test("a name server is asked for names before anything drops it, even where metadata is", () => {
  const nameservers = nameserversOf(
    "nameserver 127.0.0.53\nnameserver 169.254.169.254\n# nameserver 9.9.9.9\noptions x",
  );
  expect(nameservers).toEqual([{ family: "ip", network: "169.254.169.254", port: undefined }]);
  const all = lines({ nameservers });
  const asked = "ip daddr 169.254.169.254 meta l4proto { 6, 17 } th dport 53 accept";
  expect(all.indexOf(asked)).toBeGreaterThan(0);
  expect(all.indexOf(asked)).toBeLessThan(all.indexOf("ip daddr 169.254.0.0/16 drop"));
});

test("a mark is what was written, and nothing else is one", () => {
  const mark = { network: "tenant", controllers: ["a:1"], blockedDestinations: [], unresolved: [] };
  expect(parseMark(JSON.stringify(mark))).toEqual(mark);
  for (const text of ["", "{", "{}", "null", '{"network":1}']) expect(parseMark(text)).toBeUndefined();
});
