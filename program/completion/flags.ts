import type { Role } from "../role.ts";

/** An option as the help of its verb tells it. */
export interface Flag {
  /** `--http-port` */
  readonly name: string;
  /** What stands for its value, such as `PORT`; undefined where it takes none. */
  readonly placeholder: string | undefined;
  /** The values that it takes, where these are few. */
  readonly choices: readonly string[];
  readonly help: string;
}

/** The options of a verb, read from its help: that is made of its table, so that nothing has to be told twice. */
export function flagsOf(role: Pick<Role, "help">): Flag[] {
  const lines = role.help().matchAll(/^ {2}(--[a-z][a-z-]*)(?: (\S+))? {2,}(\S.*)$/gm);
  return [...lines].map(([, name = "", placeholder, help = ""]) => {
    return { name, placeholder, choices: choicesOf(placeholder), help };
  });
}

/** Whether a value is a file or a directory. */
export function takesPath({ placeholder = "" }: Pick<Flag, "placeholder">): boolean {
  return ["PATH", "FILE", "DIR"].includes(placeholder);
}

function choicesOf(placeholder = ""): string[] {
  return /^[a-z-]+(\|[a-z-]+)+$/.test(placeholder) ? placeholder.split("|") : [];
}
