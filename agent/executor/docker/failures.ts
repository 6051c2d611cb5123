import { messageOf } from "../../../base/errors.ts";
import type { AllocationEnd } from "../executor.ts";
import { EngineError } from "./engine-client.ts";

/** The part of an unforeseen message of Docker that a person is shown. */
const MAX_QUOTED = 300;

/** It cannot start: by the job's own doing, or by the node's. */
export type Failure = Extract<AllocationEnd, { kind: "bad-request" | "node" }>;

export const badRequest = (message: string): Failure => ({ kind: "bad-request", message });
export const node = (message: string): Failure => ({ kind: "node", message });

/** Why a container could not be created or started. */
export function startFailure(error: unknown, program: string | undefined): Failure {
  const text = messageOf(error);
  if (!(error instanceof EngineError) || error.status === undefined) return node(text);
  const runtime = /unknown or invalid runtime name: (\S+)|unknown runtime specified (\S+)/i.exec(text);
  if (runtime) return node(`Docker has no runtime ${runtime[1] ?? runtime[2]}`);
  if (/could not select device driver/i.test(text)) {
    return node("Docker cannot grant GPUs on this node: NVIDIA's container toolkit is not installed for it");
  }
  if (/fork\/exec .*(no such file|permission denied)/i.test(text))
    return node("Docker's runtime is missing on this node");
  return commandFailure(text, program) ?? unforeseen(error, text);
}

/** What an engine that runs commands without its own init says of a command that cannot be run. */
function commandFailure(text: string, program: string | undefined): Failure | undefined {
  const found = /exec: "((?:[^"\\]|\\.)*)": (.*)/.exec(text);
  const what = found?.[1] ?? program ?? "";
  if (/executable file not found|no such file or directory/i.test(found?.[2] ?? "")) {
    return badRequest(`command not found in the image: ${what}`);
  }
  if (/permission denied|is a directory/i.test(found?.[2] ?? ""))
    return badRequest(`command cannot be executed: ${what}`);
  if (/exec format error/i.test(text)) return badRequest(`command is not made for this kind of machine: ${what}`);
  if (/no command specified/i.test(text)) return badRequest("no command given, and the image has none");
  return undefined;
}

function unforeseen(error: EngineError, text: string): Failure {
  // Docker says 400 of what is wrong with the container itself at its creation, and of any failure of the runtime.
  const isOurs = error.status === 400 && !/OCI runtime|shim|runc/i.test(text);
  return isOurs ? badRequest(`Docker refused it: ${quoted(text)}`) : node(`Docker could not start it: ${quoted(text)}`);
}

/**
 * What Docker's init wrote before it ended with 126 or 127, since with it a container whose command cannot be run does
 * start: `[FATAL tini (7)] exec nope failed: No such file or directory`.
 */
export function initFailure(output: string): Failure | undefined {
  const found = /^\[FATAL tini \(\d+\)\] exec (.*) failed: (.*)$/m.exec(output);
  if (!found) return undefined;
  const [, program = "", reason = ""] = found;
  if (/no such file/i.test(reason)) return badRequest(`command not found in the image: ${program}`);
  return badRequest(`command cannot be executed: ${program}`);
}

/** In one line, and not too long. */
export function quoted(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line.length <= MAX_QUOTED ? line : `${line.slice(0, MAX_QUOTED)}…`;
}
