import { unreachable } from "../../base/assert.ts";
import { RequestError } from "../../base/errors.ts";
import type { Answers, Input } from "./input.ts";
import type { State } from "./model/state.ts";
import { onAllocationReport } from "./on/allocation-report.ts";
import { onCancelJob } from "./on/cancel-job.ts";
import { onConfirmNodeDead } from "./on/confirm-node-dead.ts";
import { onCordonNode, onUncordonNode } from "./on/cordon-node.ts";
import { onCheckpoint } from "./on/checkpoint.ts";
import { onDeviceWord } from "./on/device-word.ts";
import { onForgetJobs } from "./on/forget-jobs.ts";
import { onNodeDisconnected } from "./on/node-disconnected.ts";
import { onNodeHeartbeat } from "./on/node-heartbeat.ts";
import { onNodeHello } from "./on/node-hello.ts";
import { onSubmitJob } from "./on/submit-job.ts";
import { onCreateTenant, onUpdateTenant } from "./on/tenant.ts";
import { onTick } from "./on/tick.ts";
import type { Output } from "./output.ts";

/** What the asker is told: an answer, nothing (`undefined`), or a refusal that changed nothing. */
export type Answer = Answers[keyof Answers] | RequestError | undefined;

/**
 * Applies one input to the state: the only way in which it changes, with {@link schedule}. Synchronous and deterministic.
 * Changes are made in place; writes and effects are gathered in `out`, and no effect may be carried out before all writes
 * of its batch are durable.
 *
 * @returns the answer; a {@link RequestError} is a refusal, thrown by a handler before it changed anything
 * @throws InvariantError on a bug: the state must then be dropped whole
 */
export function step(state: State, input: Input, out: Output): Answer {
  try {
    return dispatch(state, input, out);
  } catch (error) {
    if (error instanceof RequestError) return error;
    throw error;
  }
}

function dispatch(state: State, input: Input, out: Output): Answer {
  switch (input.kind) {
    case "submit-job":
      return onSubmitJob(state, input, out);
    case "cancel-job":
      return onCancelJob(state, input, out);
    case "checkpoint":
      return onCheckpoint(state, input, out);
    case "forget-jobs":
      return onForgetJobs(state, input, out);
    case "confirm-node-dead":
      return onConfirmNodeDead(state, input, out);
    case "cordon-node":
      return onCordonNode(state, input, out);
    case "uncordon-node":
      return onUncordonNode(state, input, out);
    case "quarantine-device":
    case "release-device":
      return onDeviceWord(state, input, out);
    case "create-tenant":
      return onCreateTenant(state, input, out);
    case "update-tenant":
      return onUpdateTenant(state, input, out);
    case "node-hello":
      onNodeHello(state, input, out);
      return undefined;
    case "node-heartbeat":
      onNodeHeartbeat(state, input, out);
      return undefined;
    case "allocation-report":
      onAllocationReport(state, input, out);
      return undefined;
    case "node-disconnected":
      onNodeDisconnected(state, input);
      return undefined;
    case "tick":
      onTick(state, input.at, out);
      return undefined;
    default:
      return unreachable(input);
  }
}
