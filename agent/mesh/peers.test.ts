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

test("nobody is asked while a leader works with the agent, nor in the first moments after", async () => {
  const world = start(() => ({}));
  world.isConnected = true;
  await vi.advanceTimersByTimeAsync(60_000);
  world.isConnected = false;
  await vi.advanceTimersByTimeAsync(3_000);
  expect(world.asked).toEqual([]);
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

test("an agent answers those of its own cluster alone, and names only a leader that it reaches itself", () => {
  const host = { nodeName: "node-1", view: () => ({ ...VIEW, silentMs: 1_234.5 }), leader: () => "a:9090" };
  const answer = { node_name: "node-1", silent_ms: 1_234, term: 3, leader_address: "a:9090" };
  expect(answerPeer(host, { cluster_id: "c" })).toEqual(answer);
  expect(answerPeer({ ...host, leader: () => undefined }, { cluster_id: "c" })?.leader_address).toBe("");
  expect(answerPeer(host, { cluster_id: "other" })).toBeUndefined();
  expect(answerPeer({ ...host, view: () => ({ ...VIEW, clusterId: "" }) }, { cluster_id: "" })).toBeUndefined();
});

test("of the peers that would relay the one that heard the leader last is taken", async () => {
  const silent: Record<string, number> = { "node-2:1": 7_800, "node-3:1": 900, "node-4:1": 3_000 };
  const world = start(
    (address) => (silent[address] === undefined ? {} : { leader_address: "a:9090", silent_ms: silent[address] }),
    { unansweredMs: 80_000 },
  );
  await vi.advanceTimersByTimeAsync(4_000);
  expect(world.asked).toHaveLength(5);
  expect(peers?.relay()?.peer).toBe("node-3");
});
