/** The program: reads the verb and starts the role. */
import { flushCompileCache } from "node:module";
import { messageOf, RequestError, systemErrorCode } from "../base/errors.ts";
import { UsageError } from "../base/options.ts";
import { nearestName } from "../base/nearest.ts";
import { version } from "../base/version.ts";
import { ExitCode } from "./exit-code.ts";
import { InsecureError } from "./exposure.ts";
import type { Role } from "./role.ts";
import { loadVerbs, ROLES_THAT_STAY, VERBS } from "./verbs.ts";

process.exit(await main(process.argv.slice(2)));

async function main([verb = "--help", ...args]: readonly string[]): Promise<number> {
  if (verb === "--version" || verb === "version") return print(version);
  if (verb === "--help" || verb === "-h" || verb === "help") return print(await usage());
  const load = VERBS.get(verb);
  if (!load) {
    const meant = nearestName(verb, VERBS.keys());
    return complain(
      `unknown command ${JSON.stringify(verb)}${meant ? `; did you mean ${meant}?` : ""}`,
      ExitCode.usage,
    );
  }
  const role = await load();
  // A process that is killed later keeps nothing of what it made of the sources.
  flushCompileCache();
  if (args.includes("--help") || args.includes("-h")) return print(roleUsage(verb, role));
  try {
    return await role.run({ args, environment: process.env });
  } catch (error) {
    return explain(verb, error);
  }
}

/** Expected failures in one sentence; anything else with its stack. */
function explain(verb: string, error: unknown): number {
  if (error instanceof UsageError) return complain(`${error.message}\nTry: gpusched ${verb} --help`, ExitCode.usage);
  if (error instanceof InsecureError) return complain(error.message, ExitCode.insecure);
  const isExpected = error instanceof RequestError || !(systemErrorCode(error) ?? "ERR_").startsWith("ERR_");
  const detail = error instanceof Error && !isExpected ? error.stack : messageOf(error);
  return complain(`${verb} ${endsByItself(verb) ? "failed" : "cannot start"}: ${detail}`, ExitCode.failure);
}

function endsByItself(verb: string): boolean {
  return !ROLES_THAT_STAY.has(verb);
}

async function usage(): Promise<string> {
  const roles = [...(await loadVerbs())].map(([verb, role]) => `  ${verb.padEnd(12)}${role.summary}`);
  return [
    `gpusched ${version}: a job scheduler for GPU machines`,
    "",
    "Usage: gpusched COMMAND [OPTIONS]",
    "",
    ...roles,
    "",
    "gpusched COMMAND --help lists the command's options; gpusched --version prints the version.",
  ].join("\n");
}

function roleUsage(verb: string, role: Role): string {
  const head = [`gpusched ${verb}: ${role.summary}`, "", `Usage: gpusched ${verb} ${role.usage ?? "[OPTIONS]"}`, ""];
  if (role.usage !== undefined) return [...head, role.help()].join("\n");
  return [
    ...head,
    role.help(),
    "",
    "Every option is also an environment variable (--http-port: GPUSCHED_HTTP_PORT) and a key of the file that --config",
    "names (http-port: 8080). A flag wins over the environment, and the environment over the file.",
  ].join("\n");
}

function print(text: string): number {
  console.log(text);
  return ExitCode.success;
}

function complain(text: string, code: number): number {
  console.error(`gpusched: ${text}`);
  return code;
}
