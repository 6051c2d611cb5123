/** Parts of the network that do not reach each other, in both directions or in one. */
import { delay } from "../../../base/abort.ts";
import { SECOND_MS } from "../../../base/time.ts";
import type { Cluster } from "../world/cluster.ts";
import type { Place } from "../world/network.ts";
import type { Program } from "../world/program.ts";
import type { Fault, FaultContext } from "./fault.ts";

const SHORTEST_MS = 2_000;
const SHORT_MS = 15_000;
/** So much longer than what the fault is to outlast. */
const BEYOND_MS = 8_000;
/** Of all, those that last so long that the other side acts. */
const LONG_SHARE = 0.4;

interface Sides {
  readonly one: readonly Program[];
  readonly other: readonly Program[];
  /** What lasts so long should be noticed. */
  readonly noticedAfterS: number;
}

type Divide = (context: FaultContext) => Sides | Promise<Sides>;

const agentFromControllers: Divide = ({ cluster, random }) => {
  const victim = random.pick(cluster.agents);
  const noticedAfterS = cluster.options.timing.nodeLostAfterS;
  return { one: victim ? [victim.program] : [], other: cluster.controllers, noticedAfterS };
};

const leaderFromMembers: Divide = async ({ cluster }) => {
  const leader = await cluster.leader();
  return { one: leader ? [leader] : [], other: cluster.members, noticedAfterS: cluster.options.timing.electionTtlS };
};

const leaderFromAll: Divide = async ({ cluster }) => {
  const leader = await cluster.leader();
  const other = cluster.programs.filter((program) => program !== leader);
  return { one: leader ? [leader] : [], other, noticedAfterS: cluster.options.timing.electionTtlS };
};

const memberFromMembers: Divide = ({ cluster, random }) => {
  const victim = random.pick(cluster.members);
  const other = cluster.members.filter((program) => program !== victim);
  return { one: victim ? [victim] : [], other, noticedAfterS: cluster.options.timing.electionTtlS };
};

export const partitions: readonly Fault[] = [
  partition("partition-agent", agentFromControllers, "both ways"),
  partition("partition-agent-one-way", agentFromControllers, "one way"),
  partition("partition-leader-etcd", leaderFromMembers, "both ways"),
  partition("partition-leader-etcd-one-way", leaderFromMembers, "one way"),
  partition("isolate-leader", leaderFromAll, "both ways"),
  partition("partition-etcd", memberFromMembers, "both ways"),
  partition("partition-etcd-one-way", memberFromMembers, "one way"),
];

function partition(name: string, divide: Divide, directions: "both ways" | "one way"): Fault {
  return {
    name,
    problem: ({ options, members }: Cluster) => {
      if (!options.network.isDivisible) return "it needs network namespaces";
      return members.length === 0 && divide !== agentFromControllers ? "there is no etcd" : undefined;
    },
    async happen(context) {
      const { cluster, random, signal } = context;
      const { one, other, noticedAfterS } = await divide(context);
      if (one.length === 0) return "nobody led";
      const noticedMs = noticedAfterS * SECOND_MS;
      const [leastMs, mostMs] =
        random.next() < LONG_SHARE ? [noticedMs, noticedMs + BEYOND_MS] : [SHORTEST_MS, SHORT_MS];
      const lastsMs = random.between(leastMs, mostMs);
      const [from, to] = random.next() < 0.5 ? [one, other] : [other, one];
      const { network } = cluster.options;
      network.cut(placesOf(from), placesOf(to));
      if (directions === "both ways") network.cut(placesOf(to), placesOf(from));
      await delay(lastsMs, signal);
      network.heal();
      const names = directions === "both ways" ? namesOf(one) : `from ${namesOf(from)} to ${namesOf(to)}`;
      return `${names}, for ${lastsMs} ms`;
    },
  };
}

function placesOf(programs: readonly Program[]): readonly Place[] {
  return programs.map(({ place }) => place);
}

function namesOf(programs: readonly Program[]): string {
  return programs.map(({ name }) => name).join(", ");
}
