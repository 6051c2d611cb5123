/** What makes shells complete the program's commands and options. */
import type { Role } from "../role.ts";
import { type Flag, flagsOf, takesPath } from "./flags.ts";

type Verbs = ReadonlyMap<string, Role>;

/** The script for each shell. */
export const SHELLS: Readonly<Record<string, (verbs: Verbs) => string>> = { bash, zsh, fish };

function bash(verbs: Verbs): string {
  const cases = [...verbs].map(([verb, role]) => {
    const flags = flagsOf(role);
    return `    ${verb}) flags=${quote([...flags.map(({ name }) => name), "--help"].join(" "))} ;;`;
  });
  return `# bash completion for gpusched
_gpusched() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]} verb=\${COMP_WORDS[1]} flags=
  if [ "$COMP_CWORD" -eq 1 ]; then
    mapfile -t COMPREPLY < <(compgen -W ${quote([...verbs.keys(), "--help", "--version"].join(" "))} -- "$current")
    return
  fi
  case "$verb $previous" in
${[...verbs].flatMap(([verb, role]) => flagsOf(role).flatMap((flag) => bashValues(verb, flag))).join("\n")}
  esac
  case $verb in
${cases.join("\n")}
  esac
  case $current in
    -*) mapfile -t COMPREPLY < <(compgen -W "$flags" -- "$current") ;;
    *) mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
  esac
}
complete -o filenames -F _gpusched gpusched
`;
}

/** Nothing is offered where a value is no file and of no few words: the flag is then waiting for it. */
function bashValues(verb: string, flag: Flag): string[] {
  if (flag.placeholder === undefined) return [];
  const words = takesPath(flag) ? "-f" : `-W ${quote(flag.choices.join(" "))}`;
  return [`    ${quote(`${verb} ${flag.name}`)}) mapfile -t COMPREPLY < <(compgen ${words} -- "$current"); return ;;`];
}

function zsh(verbs: Verbs): string {
  const described = [...verbs].map(
    ([verb, { summary }]) => `    ${quote(`${verb}:${summary.replaceAll(":", "\\:")}`)}`,
  );
  const cases = [...verbs].map(([verb, role]) => {
    const flags = flagsOf(role).map((flag) => `        ${quote(zshFlag(flag))} \\`);
    return `      ${verb})\n        _arguments \\\n${flags.join("\n")}${flags.length > 0 ? "\n" : ""}        '*:file:_files'\n        ;;`;
  });
  return `#compdef gpusched
_gpusched() {
  local -a verbs
  verbs=(
${described.join("\n")}
  )
  if (( CURRENT == 2 )); then
    _describe command verbs
    return
  fi
  local verb=$words[2]
  shift words
  (( CURRENT-- ))
  case $verb in
${cases.join("\n")}
  esac
}
if [ "$funcstack[1]" = _gpusched ]; then _gpusched "$@"; else compdef _gpusched gpusched; fi
`;
}

function zshFlag(flag: Flag): string {
  const help = flag.help.replaceAll(/[[\]:\\]/g, "\\$&");
  if (flag.placeholder === undefined) return `${flag.name}[${help}]`;
  const values = takesPath(flag) ? "_files" : flag.choices.length > 0 ? `(${flag.choices.join(" ")})` : " ";
  return `${flag.name}=[${help}]:${flag.placeholder.replaceAll(/[:\\]/g, "\\$&")}:${values}`;
}

function fish(verbs: Verbs): string {
  const lines = [...verbs].flatMap(([verb, role]) => [
    `complete -c gpusched -n __fish_use_subcommand -f -a ${verb} -d ${fishQuote(role.summary)}`,
    ...flagsOf(role).map((flag) => fishFlag(verb, flag)),
  ]);
  return ["# fish completion for gpusched", ...lines, ""].join("\n");
}

function fishFlag(verb: string, flag: Flag): string {
  const { placeholder, choices, name, help } = flag;
  const value = takesPath(flag) ? " -r -F" : choices.length > 0 ? ` -x -a ${fishQuote(choices.join(" "))}` : " -x";
  const condition = fishQuote(`__fish_seen_subcommand_from ${verb}`);
  return `complete -c gpusched -n ${condition} -l ${name.slice(2)}${placeholder === undefined ? "" : value} -d ${fishQuote(help)}`;
}

/** As one word of a POSIX shell. */
function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function fishQuote(text: string): string {
  return `'${text.replaceAll(/['\\]/g, "\\$&")}'`;
}
