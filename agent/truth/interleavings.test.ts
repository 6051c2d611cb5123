import { expect, test } from "vitest";
import type { Sighting } from "./core/sighting.ts";
import { type Outcome, runInterleaving } from "../../test/support/truth/model-world.ts";
import type { Sabotage } from "../../test/support/truth/model-agent.ts";

const INTERLEAVINGS = 1_000;
/** Of these an agent that does something wrong must be caught. */
const SABOTAGED = 150;

function run(
  count: number,
  sabotage?: Sabotage,
): { readonly violations: string[]; readonly counts: Map<string, number> } {
  const violations: string[] = [];
  const counts = new Map<string, number>();
  for (let seed = 1; seed <= count; seed++) {
    const outcome: Outcome = runInterleaving(seed, sabotage);
    violations.push(...outcome.violations.map((violation) => `seed ${seed}: ${violation}`));
    for (const [what, times] of outcome.counts) counts.set(what, (counts.get(what) ?? 0) + times);
  }
  return { violations, counts };
}

test(`in ${INTERLEAVINGS} random interleavings nothing is reaped that is wanted or another's, and all that is over is`, () => {
  const { violations, counts } = run(INTERLEAVINGS);
  expect(violations).toEqual([]);
  for (const what of ["reaped", "found orphan", "found foreign", "found wrong-job", "agent restart", "hang"]) {
    expect(counts.get(what), what).toBeGreaterThan(100);
  }
});

/** Each is what an agent would see, or do, that has forgotten one of the rules. */
const sabotages: readonly (readonly [string, Sabotage, RegExp])[] = [
  ["one look is enough", { looksTwice: true }, /calls (container|a process)/],
  [
    "processes are known by their pids alone",
    {
      sighting: (sighting) => {
        const all = [...sighting.hostProcesses].map(
          ([pid, it]) => [pid, { ...it, startTicks: 0, leaderStartTicks: 0 }] as const,
        );
        return { ...sighting, hostProcesses: new Map(all) };
      },
      trustsBlindly: true,
    },
    /killed the foreign process|and called/,
  ],
  [
    "every container is this agent's",
    {
      sighting: (sighting, agentId) => ({
        ...sighting,
        occupants: sighting.occupants?.map((occupant) => ({ ...occupant, agentId })),
      }),
      trustsBlindly: true,
    },
    /which is another's/,
  ],
  [
    "an engine that does not answer has no containers",
    { sighting: (sighting: Sighting) => ({ ...sighting, occupants: sighting.occupants ?? [] }) },
    /calls a process .* foreign/,
  ],
  [
    "what it does not hear of at a look has been released",
    {
      sighting: (sighting) => ({
        ...sighting,
        allocations: sighting.allocations.filter(({ phase }) => phase !== "running"),
      }),
      trustsBlindly: true,
    },
    /which is wanted/,
  ],
];

test.each(sabotages)("an agent for which %s is caught", (_, sabotage, expected) => {
  const { violations } = run(SABOTAGED, sabotage);
  expect(violations.filter((violation) => expected.test(violation)).length).toBeGreaterThan(0);
});
