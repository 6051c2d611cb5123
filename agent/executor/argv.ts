import type { LaunchSpec } from "./executor.ts";

/** What runs a script when no command is given. */
const SCRIPT_RUNNER = ["/bin/sh", "-c"];

/**
 * The whole argv by the documented rule: `command ?? ["/bin/sh", "-c"]`, then `args`, then the script where one is given.
 * Empty when there is neither a command nor a script: then the image's own entry point runs, with `args` if there are any.
 */
export function argvOf(spec: Pick<LaunchSpec, "command" | "args" | "script">): readonly string[] {
  const { command, args, script } = spec;
  if (command.length === 0 && script === undefined) return [];
  const program = command.length > 0 ? command : SCRIPT_RUNNER;
  return [...program, ...args, ...(script === undefined ? [] : [script])];
}
