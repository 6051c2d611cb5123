/** The manual, made of the help of every command and of docs/configuration.md, so that it says what they say. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Role } from "../../program/role.ts";
import { loadVerbs, ROLES_THAT_STAY } from "../../program/verbs.ts";
import { root } from "../source-files.ts";
import { PACKAGED_ROLES } from "./roles.ts";

export interface ManPage {
  /** `gpusched-agent.8` */
  readonly name: string;
  readonly text: string;
}

/** What the packages are made of. */
export interface Edition {
  readonly version: string;
  /** Seconds since the epoch: the time of all files. */
  readonly epoch: number;
}

const VERBS = await loadVerbs();
const configuration = readFileSync(join(root, "docs/configuration.md"), "utf8");

/** gpusched(1), and a page of section 8 for each role that has a unit. */
export function manPages(edition: Edition): ManPage[] {
  const roles = PACKAGED_ROLES.map(({ name }) => ({ name: `gpusched-${name}.8`, text: rolePage(name, edition) }));
  return [{ name: "gpusched.1", text: programPage(edition) }, ...roles];
}

function programPage(edition: Edition): string {
  const commands = [...VERBS].map(([verb, role]) => {
    const usage = `gpusched ${verb} ${role.usage ?? "[OPTIONS]"}`;
    const isApart = PACKAGED_ROLES.some(({ name }) => name === verb);
    const detail = isApart ? `See ${bold(`gpusched-${verb}`)}(8).` : help(role);
    return `.SS ${escape(usage)}\n${sentence(role.summary)}\n${detail}`;
  });
  return page("gpusched", 1, edition, "a job scheduler for GPU machines", [
    ["SYNOPSIS", `${bold("gpusched")} ${italic("COMMAND")} [${italic("OPTIONS")}]`],
    ["DESCRIPTION", SOURCES],
    ["COMMANDS", commands.join("\n")],
    ["EXIT STATUS", exitStatus()],
    ["SEE ALSO", PACKAGED_ROLES.map(({ name }) => `${bold(`gpusched-${name}`)}(8)`).join(", ")],
  ]);
}

function rolePage(verb: string, edition: Edition): string {
  const role = VERBS.get(verb);
  if (!role || !ROLES_THAT_STAY.has(verb)) throw new Error(`${verb} is no role`);
  const files = [
    [`/etc/gpusched/${verb}.yaml`, "its options, a line each"],
    [`/etc/gpusched/${verb}.env`, "the same as variables of the environment, which win; need not be there"],
    ...(verb === "agent" ? [["/etc/gpusched/policy.yaml", "what jobs may be and see on this host"] as const] : []),
    ...(verb === "gateway" ? [] : [[`/var/lib/gpusched-${verb}`, "what it keeps"] as const]),
  ] as const;
  return page(`gpusched-${verb}`, 8, edition, role.summary, [
    [
      "SYNOPSIS",
      `${bold(`gpusched ${verb}`)} [${italic("OPTIONS")}]\n.br\n${bold("systemctl start")} gpusched\\-${verb}`,
    ],
    ["DESCRIPTION", `${introduction(verb)}\n.PP\n${SOURCES}`],
    ["OPTIONS", help(role)],
    ["FILES", files.map(([path, what]) => `.TP\n${bold(path)}\n${escape(what)}`).join("\n")],
    ["EXIT STATUS", exitStatus()],
    ["SEE ALSO", `${bold("gpusched")}(1), ${bold("systemctl")}(1)`],
  ]);
}

const SOURCES = [
  "Every option is also a variable of the environment (\\-\\-log\\-level: GPUSCHED_LOG_LEVEL) and a key of the file that",
  "\\-\\-config names (log\\-level: debug). A flag wins over the environment, and the environment over the file.",
].join("\n");

function page(
  name: string,
  section: number,
  { version, epoch }: Edition,
  summary: string,
  parts: readonly (readonly [string, string])[],
): string {
  const date = new Date(epoch * 1_000).toISOString().slice(0, 10);
  const head = `.TH ${name.toUpperCase().replaceAll("-", "\\-")} ${section} ${date} "gpusched ${version}" "gpusched"`;
  const title = `.SH NAME\n${escape(name)} \\- ${escape(summary)}`;
  return [head, title, ...parts.map(([heading, text]) => `.SH ${heading}\n${text}`), ""].join("\n");
}

/** Options become a list; whatever else the help says stays as it is laid out. */
function help(role: Role): string {
  return role
    .help()
    .split("\n")
    .map((line) => {
      const [, usage, text] = /^ {2}(\S+(?: \S+)?) {2,}(\S.*)$/.exec(line) ?? [];
      if (usage !== undefined && text !== undefined) return `.TP\n${bold(usage)}\n${escape(text)}`;
      return line.trim() === "" ? ".PP" : escape(line.trim());
    })
    .join("\n");
}

/** What docs/configuration.md says of a role before its table. */
function introduction(verb: string): string {
  const [, text = ""] = new RegExp(`^## gpusched ${verb}\\n\\n([^]*?)\\n\\n\\|`, "m").exec(configuration) ?? [];
  if (text === "") throw new Error(`docs/configuration.md does not introduce gpusched ${verb}`);
  return escape(plain(text));
}

function exitStatus(): string {
  const [, table = ""] = /^## Exit codes\n\n([^]*?)\n\n/m.exec(configuration) ?? [];
  const rows = [...table.matchAll(/^\| (\d+) \| (.+) \|$/gm)];
  if (rows.length === 0) throw new Error("docs/configuration.md has no exit codes");
  return rows.map(([, code = "", text = ""]) => `.TP\n${bold(code)}\n${escape(plain(text))}`).join("\n");
}

/** Markdown without its marks. */
function plain(markdown: string): string {
  return markdown.replaceAll(/\[([^\]]+)\]\([^)]*\)/g, "$1").replaceAll("`", "");
}

function sentence(text: string): string {
  return escape(`${text.charAt(0).toUpperCase()}${text.slice(1)}.`);
}

function bold(text: string): string {
  return `\\fB${escape(text)}\\fR`;
}

function italic(text: string): string {
  return `\\fI${escape(text)}\\fR`;
}

/** A dot or an apostrophe at the beginning of a line would be a command. */
function escape(text: string): string {
  return text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replaceAll("…", "...")
    .replaceAll(/^(?=[.'])/gm, "\\&");
}
