import { type Node, withCordon } from "../model/node.ts";
import { judge } from "./filter.ts";
import type { NodeReason } from "./reason.ts";
import type { Blocked } from "./shortage.ts";

/** More problems than there are kinds of them no node has. */
const MAX_PROBLEMS = 64;

/** A node and what is asked of it, with some of what is in the way given up. */
interface Question {
  readonly node: Node;
  readonly blocked: Blocked;
}

/**
 * What else the node would say if what it says first were otherwise, and so on: all that keeps the job from it. Found by asking the
 * scheduler's own filter again and again, each time without what it said before.
 */
export function otherProblems(node: Node, blocked: Blocked, first: NodeReason): readonly NodeReason[] {
  const others: NodeReason[] = [];
  let question = without(first, { node, blocked });
  while (question && others.length < MAX_PROBLEMS) {
    const { demand, share } = question.blocked;
    const verdict = judge(question.node, demand, share);
    if (verdict.answer === "fits") break;
    others.push(verdict.reason);
    question = without(verdict.reason, question);
  }
  return others;
}

/** The question without what the reason names; undefined where nothing is left to ask. */
function without(reason: NodeReason, { node, blocked }: Question): Question | undefined {
  const { record } = node;
  const { share, demand } = blocked;
  const having = (inventory: Partial<typeof record.inventory>) => {
    return { node: { ...node, record: { ...record, inventory: { ...record.inventory, ...inventory } } }, blocked };
  };
  switch (reason.kind) {
    case "needs-image":
      return having({ executor: "process" });
    case "no-sharing":
      return having({ allowsSharing: true });
    case "volume": {
      const volumes = demand.volumes.filter(({ source }) => source !== reason.source);
      return { node, blocked: { ...blocked, demand: { ...demand, volumes } } };
    }
    case "selector":
      return having({ labels: { ...record.inventory.labels, [reason.label]: reason.wants } });
    case "not-online":
      return { node: { ...node, reach: "online", session: node.session ?? 0 }, blocked };
    case "not-connected":
      return { node: { ...node, session: 0 }, blocked };
    case "cordoned":
      return { node: { ...node, record: withCordon(record, undefined) }, blocked };
    case "executor-not-ready":
      return { node: { ...node, executorReady: true }, blocked };
    case "proving":
      return { node: { ...node, goodBeats: undefined }, blocked };
    case "too-few-gpus":
    case "gpus-busy":
      return { node, blocked: { ...blocked, share: { ...share, gpus: 0 } } };
    case "too-few-cores":
    case "cores-busy":
      return { node, blocked: { ...blocked, share: { ...share, cpuCores: 0 } } };
    case "too-little-memory":
    case "memory-busy":
      return { node, blocked: { ...blocked, share: { ...share, memoryMb: 0 } } };
    case "gpu-memory-quota":
      return { node, blocked: { ...blocked, demand: { ...demand, gpus: 0 }, share: { ...share, gpus: 0 } } };
    case "claimed":
      return undefined;
  }
}
