import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { PeerAnswer__Output } from "../../proto/generated/gpusched/v1/PeerAnswer.ts";
import type { MeshView } from "../shell.ts";
import { answerPeer } from "./peer-server.ts";
import { Peers, type PeersOptions } from "./peers.ts";

const members = ["node-1", "node-2", "node-3", "node-4", "node-5", "node-6"].map((name) => ({
  name,
  address: `${name}:1`,
}));
const membership = { version: 1, members, hearingMs: 15_000, vouchMs: 15_000, stopMs: 30_000 };
const VIEW: MeshView = {
  clusterId: "c",
  highestTerm: 3,
  leaseMs: 300_000,
  membership,
  unansweredMs: 5_000,
  silentMs: 5_000,
};

let peers: Peers | undefined;
beforeEach(() => void vi.useFakeTimers());
afterEach(async () => {
  await peers?.close();
  vi.useRealTimers();
});

/** Peers that answer what the test says, and what came of it. */
function start(answer: (address: string) => Partial<PeerAnswer__Output> | undefined, over: Partial<MeshView> = {}) {
  const world = { view: { ...VIEW, ...over }, isConnected: false, asked: [] as string[], answers: [] as unknown[] };
  const options: PeersOptions = {
    nodeName: "node-1",
    view: () => world.view,
    nowMs: () => Date.now(),
    isConnected: () => world.isConnected,
    ask: (address) => {
      world.asked.push(address);
      const given = answer(address);
      const node_name = address.slice(0, address.indexOf(":"));
      if (!given) return Promise.reject(new Error("no answer"));
      return Promise.resolve({ node_name, silent_ms: 60_000, term: 3, leader_address: "", ...given });
    },
    onAnswer: (...told) => world.answers.push(told),
    random: () => 0.5,
  };
  peers = new Peers(options);
  return world;
}

test("while a leader works with the agent, it is only tried now and then whether peers are reached, and nothing comes of what they say", async () => {
  const world = start((address) => (address === "node-4:1" ? { leader_address: "a:9090" } : undefined));
  world.isConnected = true;
  await vi.advanceTimersByTimeAsync(1_500);
  expect(peers?.reachesPeers).toBe(true);
  expect(world.asked).toEqual(["node-2:1", "node-3:1", "node-4:1"]);
  await vi.advanceTimersByTimeAsync(58_000);
  world.isConnected = false;
  await vi.advanceTimersByTimeAsync(3_000);
  expect([world.asked.length, world.answers, peers?.relay()]).toEqual([3, [], undefined]);
});

test("an agent that no peer answers says so once all were asked, until one does; where there are none it says nothing", async () => {
  let isReached = false;
  const world = start((address) => (isReached && address === "node-6:1" ? {} : undefined));
  world.isConnected = true;
  expect(peers?.reachesPeers).toBeUndefined();
  await vi.advanceTimersByTimeAsync(1_500);
  expect([peers?.reachesPeers, world.asked.length]).toEqual([false, 5]);
  isReached = true;
  await vi.advanceTimersByTimeAsync(61_000);
  expect(peers?.reachesPeers).toBe(true);
  world.view = { ...world.view, membership: { ...membership, members: [] } };
  await vi.advanceTimersByTimeAsync(1_000);
  expect(peers?.reachesPeers).toBeUndefined();
});

test("who looks for a relay asks a few, who may need a majority asks all, but himself", async () => {
  const few = start(() => ({}));
  await vi.advanceTimersByTimeAsync(4_000);
  expect(few.asked).toHaveLength(3);
  await peers?.close();
  const all = start(() => ({}), { unansweredMs: 80_000 });
  await vi.advanceTimersByTimeAsync(4_000);
  expect(all.asked.sort()).toEqual(members.slice(1).map(({ address }) => address));
});

test("an answer counts from the sending of the question, and only from whom was asked", async () => {
  const world = start((address) => (address === "node-2:1" ? { node_name: "node-9" } : {}), { unansweredMs: 80_000 });
  const from = Date.now();
  await vi.advanceTimersByTimeAsync(4_000);
  expect(world.answers).toHaveLength(4);
  expect(world.answers).toContainEqual(["node-3", from + 4_000, 60_000]);
});

test("a peer that names its leader relays, until it names none, does not answer, or is of an older term", async () => {
  let given: Partial<PeerAnswer__Output> | undefined = { leader_address: "a:9090" };
  const world = start((address) => (address === "node-2:1" ? given : {}), { unansweredMs: 80_000 });
  await vi.advanceTimersByTimeAsync(5_000);
  const relay = { peer: "node-2", address: "node-2:1", leader: "a:9090" };
  expect(peers?.relay()).toEqual(relay);
  world.view = { ...world.view, highestTerm: 4 };
  expect(peers?.relay()).toBeUndefined();
  world.view = { ...world.view, highestTerm: 3 };
  given = undefined;
  await vi.advanceTimersByTimeAsync(8_000);
  expect(peers?.relay()).toBeUndefined();
});

test("a peer that has not heard its leader for long is not asked to relay where another has", async () => {
  const silences: Record<string, number> = { "node-2:1": 12_000, "node-3:1": 1_000, "node-4:1": 9_000 };
  start((address) => ({ leader_address: "a:9090", silent_ms: silences[address] ?? 20_000 }), { unansweredMs: 80_000 });
  await vi.advanceTimersByTimeAsync(5_000);
  expect(peers?.relay()?.peer).toBe("node-3");
});

test("an agent answers those of its own cluster alone, and names only a leader that it reaches itself", () => {
  const host = { nodeName: "node-1", view: () => ({ ...VIEW, silentMs: 1_234.5 }), leader: () => "a:9090" };
  const answer = { node_name: "node-1", silent_ms: 1_234, term: 3, leader_address: "a:9090" };
  expect(answerPeer(host, { cluster_id: "c" })).toEqual(answer);
  expect(answerPeer({ ...host, leader: () => undefined }, { cluster_id: "c" })?.leader_address).toBe("");
  expect(answerPeer(host, { cluster_id: "other" })).toBeUndefined();
  expect(answerPeer({ ...host, view: () => ({ ...VIEW, clusterId: "" }) }, { cluster_id: "" })).toBeUndefined();
});
