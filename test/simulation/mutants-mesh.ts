import type { Mutant } from "./mutant.ts";

const AGENT = "agent/core";
const CORE = "controller/core";

/** Bugs of the mesh: each breaks a word of what docs/reliability.md says of it. */
export const MESH_MUTANTS: readonly Mutant[] = [
  {
    name: "mesh: a leader takes the smaller part of a membership for enough",
    file: `${CORE}/quorum.ts`,
    find: "const needed = Math.floor(members / 2) + 1;",
    replace: "const needed = Math.floor((members - 1) / 2);",
  },
  {
    name: "mesh: an agent takes the smaller part of its membership for enough",
    file: `${AGENT}/vouching.ts`,
    find: "const majority = Math.floor(members.length / 2) + 1;",
    replace: "const majority = Math.floor((members.length - 1) / 2);",
  },
  {
    name: "mesh: a leader counts the newest membership, whatever the node goes by",
    file: `${CORE}/quorum.ts`,
    find: "for (const version of [...(acknowledged > 0 ? [acknowledged] : []), ...sent]) {",
    replace: "for (const version of acknowledged > 0 && state.mesh.current ? [state.mesh.current.version] : []) {",
  },
  {
    name: "mesh: a leader forgets the memberships that were sent and not acknowledged",
    file: `${CORE}/quorum.ts`,
    find: "for (const version of [...(acknowledged > 0 ? [acknowledged] : []), ...sent]) {",
    replace: "for (const version of acknowledged > 0 ? [acknowledged] : []) {",
    under: ["split as nodes join"],
  },
  {
    name: "mesh: a leader counts only the membership that was sent last",
    file: `${CORE}/quorum.ts`,
    find: "for (const version of [...(acknowledged > 0 ? [acknowledged] : []), ...sent]) {",
    replace: "for (const version of sent.length > 0 ? sent.slice(-1) : [acknowledged].filter((one) => one > 0)) {",
  },
  {
    name: "mesh: a membership is sent before it is written that the node may have it",
    file: `${CORE}/membership.ts`,
    find: "memberships: { ...known, sent: [...known.sent, version] }",
    replace: "memberships: known",
  },
  {
    name: "mesh: a membership is forgotten that a node still goes by",
    file: `${CORE}/membership.ts`,
    find: "if (named.has(version)) continue;",
    replace: "if (version === current?.version) continue;",
  },
  {
    name: "mesh: a leader requeues without a majority",
    file: `${CORE}/on/tick.ts`,
    find: "const held = whyHeld(state, node, at);",
    replace: "const held = whyHeld(state, node, at) && undefined;",
  },
  {
    name: "mesh: a leader counts whom it hears, whether or not that one hears the leader",
    file: `${CORE}/on/node-heartbeat.ts`,
    find: "if (input.echo !== undefined) noteEcho(state, node, input.echo, input.at);",
    replace: "noteEcho(state, node, input.at, input.at);",
    under: ["leader's words lost"],
  },
  {
    name: "mesh: a leader counts a node as soon as it is heard again",
    file: `${CORE}/quorum.ts`,
    find: " && node.heardSince <= at - neededMs",
    replace: " && node.heardSince <= at - 0 * neededMs",
  },
  {
    name: "mesh: an agent vouches though it hears a leader",
    file: "agent/mesh/peer-server.ts",
    find: "silent_ms: Math.floor(silentMs)",
    replace: "silent_ms: 1_000_000 + Math.floor(silentMs)",
    under: ["partition of an agent"],
  },
  {
    name: "mesh: an agent takes any answer of a peer for its word that it hears no leader",
    file: `${AGENT}/vouching.ts`,
    find: "if (!hearsNobody(membership, answer.silentMs)) state",
    replace: "if (answer.silentMs < 0) state",
    under: ["split that moves"],
  },
  {
    name: "mesh: a peer's word never loses its worth",
    file: `${AGENT}/vouching.ts`,
    find: "const oldest = valid[majority - 1];",
    replace: "const oldest = from.filter((askedAtMs) => askedAtMs > 0).length >= majority && valid ? atMs : undefined;",
    under: ["split that moves"],
  },
  {
    name: "mesh: an agent that has just started says that it has heard no leader",
    file: `${AGENT}/state.ts`,
    find: "leaderHeardAtMs: atMs,",
    replace: "leaderHeardAtMs: atMs - 1_000_000,",
    under: ["agent crash", "partition of an agent", "no controllers"],
  },
  {
    name: "mesh: an agent does not take an answered heartbeat for hearing a leader",
    file: `${AGENT}/step.ts`,
    find: "onLeaderHeard(state, input.atMs);\n      acknowledgeHeartbeat",
    replace: "acknowledgeHeartbeat",
    under: ["partition of an agent"],
  },
  {
    name: "mesh: an agent asks nobody",
    file: "agent/mesh/peers.ts",
    find: "if (nowMs() - this.#lostAtMs < PATIENCE_MS) return;",
    replace: "if (this.#lostAtMs !== undefined) return;",
    under: ["partition of an agent"],
  },
  {
    name: "mesh: nobody names the leader to a peer that is cut off",
    file: "agent/mesh/peer-server.ts",
    find: 'const leader_address = host.leader() ?? "";',
    replace: 'const leader_address = "";',
    under: ["partition of an agent"],
  },
  {
    name: "mesh: a relay carries nothing back",
    file: "agent/mesh/relay-stream.ts",
    find: 'leader.on("data", carry<Down>(peer));',
    replace: "",
    under: ["partition of an agent"],
  },
];
