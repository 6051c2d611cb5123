import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { EtcdCandidate } from "../../controller/store/etcd/etcd-candidate.ts";
import type { LeaderHint } from "../../controller/store/etcd/leader-watch.ts";
import type { Store } from "../../controller/store/store.ts";
import { type EtcdCluster, hasEtcd, skipWithoutEtcd, startEtcd } from "../support/etcd-cluster.ts";
import {
  type LeaderProcess,
  newCandidate,
  type Place,
  startLeaderProcess,
  waitUntil,
} from "../support/etcd-leaders.ts";

const TTL_MS = 2_000;

let etcd: EtcdCluster;
let place: Place;
let places = 0;
const candidates: EtcdCandidate[] = [];
const processes: LeaderProcess[] = [];

beforeAll(async () => {
  if (hasEtcd()) etcd = await startEtcd({ members: 3 });
});
afterAll(() => etcd?.close());
beforeEach((context) => {
  skipWithoutEtcd(context);
  places += 1;
  place = { endpoints: etcd.endpoints, prefix: `election-${places}/`, leaseTtlMs: TTL_MS };
});
afterEach(async () => {
  for (const process of processes.splice(0)) await process.kill();
  for (const one of candidates.splice(0)) await one.close();
  for (const member of etcd.members) member.resume();
  await etcd.untilReady();
});

function addCandidate(instance: string): EtcdCandidate {
  const made = newCandidate(place, instance);
  candidates.push(made);
  return made;
}

function leaderProcess(instance: string): LeaderProcess {
  const made = startLeaderProcess(place, instance);
  processes.push(made);
  return made;
}

const soon = () => AbortSignal.timeout(30_000);

/** All that the process acknowledged, and perhaps one more, whose acknowledgement it could not say. */
async function expectAllOf(store: Store, acknowledged: number): Promise<void> {
  const { rows, revision } = await store.load();
  expect(revision).toBeGreaterThanOrEqual(acknowledged);
  const numbers = rows.filter(({ table }) => table === "job").map(({ value }) => Number(value["n"]));
  expect(numbers.sort((a, b) => a - b)).toEqual(Array.from({ length: revision }, (_, n) => n + 1));
  expect(rows.find(({ table }) => table === "spec")?.value).toEqual({ n: revision });
}

test("a leader that resigns is followed within a second, by one that has all that was acknowledged", async () => {
  const first = leaderProcess("first");
  await first.until(/^leads/);
  const second = addCandidate("second");
  const hints: (LeaderHint | undefined)[] = [];
  second.onLeaderChange((leader) => hints.push(leader));
  const campaign = second.campaign(soon());
  await waitUntil(() => second.leader?.instance === "first" && first.acknowledged() > 50, "the first leads");
  const ended = first.resign();
  await first.until(/^resigns$/);
  const resignedAtMs = performance.now();
  const store = await campaign;
  expect(performance.now() - resignedAtMs).toBeLessThan(1_000);
  await ended;
  await expectAllOf(store, first.acknowledged());
  expect(second.leader).toMatchObject({ instance: "second", address: "second:7000" });
  expect(hints.map((hint) => hint?.instance)).toEqual(["first", undefined, "second"]);
  await store.close();
  await waitUntil(() => second.leader === undefined, "nobody leads");
});

test("of several that stand at the same moment one leads, and each once after the other", async () => {
  const elected: { instance: string; store: Store; term: number }[] = [];
  for (const instance of ["a", "b", "c", "d", "e", "f"]) {
    const stand = async () => {
      const store = await addCandidate(instance).campaign(soon());
      elected.push({ instance, store, term: (await store.load()).term });
    };
    void stand();
  }
  for (let count = 1; count <= 6; count += 1) {
    await waitUntil(() => elected.length >= count, `${count} were elected`);
    const latest = elected.at(-1);
    expect(elected.filter(({ store }) => store.tenure.isHeld())).toEqual([latest]);
    await latest?.store.commit([]);
    expect(elected).toHaveLength(count);
    await latest?.store.close();
  }
  const terms = elected.map(({ term }) => term);
  expect([...new Set(terms)].sort((a, b) => a - b)).toEqual(terms);
  expect(new Set(elected.map(({ instance }) => instance)).size).toBe(6);
});

test("a leader that is killed is followed when its lease ends, by one that has all that was acknowledged", async () => {
  const first = leaderProcess("first");
  await first.until(/^leads/);
  const campaign = addCandidate("second").campaign(soon());
  await waitUntil(() => first.acknowledged() > 50, "the first commits");
  await first.kill();
  const killedAtMs = performance.now();
  const store = await campaign;
  const withoutLeaderMs = performance.now() - killedAtMs;
  console.log(`without a leader for ${withoutLeaderMs.toFixed(0)} ms at a lease of ${TTL_MS} ms`);
  // etcd looks for ended leases twice a second.
  expect(withoutLeaderMs).toBeLessThan(TTL_MS + 3_000);
  await expectAllOf(store, first.acknowledged());
  await store.close();
});

test("a leader whose process is stopped for longer than its lease writes nothing more when it goes on", async () => {
  const first = leaderProcess("first");
  await first.until(/^leads/);
  const campaign = addCandidate("second").campaign(soon());
  await waitUntil(() => first.acknowledged() > 50, "the first commits");
  first.pause();
  const store = await campaign;
  await expectAllOf(store, first.acknowledged());
  const revision = await store.commit([{ table: "spec", key: "latest", value: { by: "second" } }]);
  first.resume();
  await first.until(/^over (fenced|failed)$/);
  expect(first.acknowledged()).toBeLessThan(revision);
  expect(await store.commit([])).toBe(revision + 1);
  expect(store.tenure.isHeld()).toBe(true);
  await store.close();
  const third = await addCandidate("third").campaign(soon());
  const { rows } = await third.load();
  expect(rows.find(({ table }) => table === "spec")?.value).toEqual({ by: "second" });
  await third.close();
});

test("a member that is killed, or stopped, costs neither the leader nor anything acknowledged, whichever it is", async () => {
  place = { ...place, leaseTtlMs: 15_000 };
  const leader = leaderProcess("first");
  await leader.until(/^leads/);
  const campaign = addCandidate("second").campaign(AbortSignal.timeout(150_000));
  let worstMs = 0;
  for (const member of etcd.members) {
    for (const fault of ["pause", "kill"] as const) {
      const before = leader.acknowledged();
      const atMs = performance.now();
      await member[fault]();
      await waitUntil(() => leader.acknowledged() > before + 20, "commits go on without the member");
      worstMs = Math.max(worstMs, performance.now() - atMs);
      if (fault === "kill") member.restart();
      else member.resume();
      const after = leader.acknowledged();
      await waitUntil(() => leader.acknowledged() > after + 20, "commits go on with the member");
      // The next fault must not meet two members that are away.
      await untilAllAnswer();
    }
  }
  console.log(`the longest pause for 20 commits was ${worstMs.toFixed(0)} ms`);
  expect(leader.lines().filter((line) => /^(leads|over)/.test(line))).toHaveLength(1);
  await leader.kill();
  const store = await campaign;
  await expectAllOf(store, leader.acknowledged());
  await store.close();
}, 180_000);

test.each(["pause", "kill"] as const)("a majority lost (%s) and back never makes two leaders", async (fault) => {
  const crew = ["a", "b", "c"].map((instance) => new Candidate(addCandidate(instance)));
  await waitUntil(() => crew.some((one) => one.acknowledged > 20), "one leads");
  let mostAtOnce = 0;
  const sampler = setInterval(() => {
    mostAtOnce = Math.max(mostAtOnce, crew.filter((one) => one.leads()).length);
  }, 1);
  const [first, second] = etcd.members;
  await first?.[fault]();
  await second?.[fault]();
  await waitUntil(() => !crew.some((one) => one.leads()), "the leader steps down");
  // Longer than any lease, and than etcd's own elections.
  await sleep(6_000);
  expect(crew.some((one) => one.leads())).toBe(false);
  if (fault === "kill") for (const member of [first, second]) member?.restart();
  else for (const member of [first, second]) member?.resume();
  const before = Math.max(...crew.map((one) => one.acknowledged));
  await waitUntil(() => crew.some((one) => one.leads() && one.acknowledged > before + 20), "one leads again");
  await sleep(TTL_MS);
  clearInterval(sampler);
  expect(mostAtOnce).toBe(1);
  expect(crew.filter((one) => one.leads())).toHaveLength(1);
  for (const one of crew) await one.stop();
  const store = await addCandidate("last").campaign(soon());
  await expectAllOf(store, Math.max(...crew.map((one) => one.acknowledged)));
  await store.close();
});

/** Campaigns, commits as long as it leads, and campaigns again. */
class Candidate {
  acknowledged = 0;
  readonly #candidate: EtcdCandidate;
  readonly #ending = new AbortController();
  readonly #running: Promise<void>;
  #store: Store | undefined;

  constructor(candidate: EtcdCandidate) {
    this.#candidate = candidate;
    this.#running = this.#run();
  }

  leads(): boolean {
    return this.#store?.tenure.isHeld() ?? false;
  }

  async stop(): Promise<void> {
    this.#ending.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#ending.signal.aborted) {
      const store = await this.#candidate.campaign(this.#ending.signal).catch(() => undefined);
      if (!store) return;
      this.#store = store;
      await this.#lead(store).catch(() => undefined);
      await store.close();
    }
  }

  async #lead(store: Store): Promise<void> {
    const { revision, term } = await store.load();
    for (let n = revision + 1; !this.#ending.signal.aborted; n += 1) {
      await store.commit([
        { table: "job", key: `job-${n}`, value: { n, term } },
        { table: "spec", key: "latest", value: { n } },
      ]);
      this.acknowledged = n;
      await sleep(5);
    }
  }
}

async function untilAllAnswer(): Promise<void> {
  for (const endpoint of etcd.endpoints) {
    let answers = false;
    while (!answers) answers = await etcd.client.status(endpoint, {}).then(Boolean, () => sleep(50, false));
  }
}
