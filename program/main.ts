/** The program: reads the verb and starts the role. */
import { messageOf, RequestError, systemErrorCode } from "../base/errors.ts";
import { UsageError } from "../base/options.ts";
import { nearestName } from "../base/nearest.ts";
import { version } from "../base/version.ts";
import { keepCompileCache, useCompileCache } from "./compile-cache.ts";
import { ExitCode } from "./exit-code.ts";
import { InsecureError } from "./exposure.ts";
import type { Role } from "./role.ts";

/** Each is loaded when it is asked for: a controller needs nothing of what only an agent does. */
const ROLES: ReadonlyMap<string, () => Promise<Role>> = new Map([
  ["dev", async () => (await import("./dev.ts")).devRole],
  ["controller", async () => (await import("./controller.ts")).controllerRole],
  ["gateway", async () => (await import("./gateway.ts")).gatewayRole],
  ["agent", async () => (await import("./agent.ts")).agentRole],
  ["guard", async () => (await import("./guard.ts")).guardRole],
  ["node", async () => (await import("./node.ts")).nodeCommand],
  ["backup", async () => (await import("./backup.ts")).backupCommand],
  ["restore", async () => (await import("./backup.ts")).restoreCommand],
  ["migrate", async () => (await import("./migrate.ts")).migrateCommand],
  ["replay", async () => (await import("./replay.ts")).replayCommand],
  ["policies", async () => (await import("./policies.ts")).policiesCommand],
  ["policy-diff", async () => (await import("./policy-diff.ts")).policyDiffCommand],
]);

const ROLES_THAT_STAY: ReadonlySet<string> = new Set(["dev", "controller", "gateway", "agent", "guard"]);

useCompileCache();
process.exit(await main(process.argv.slice(2)));

async function main([verb = "--help", ...args]: readonly string[]): Promise<number> {
  if (verb === "--version" || verb === "version") return print(version);
  if (verb === "--help" || verb === "-h" || verb === "help") return print(await usage());
  const load = ROLES.get(verb);
  if (!load) {
    const meant = nearestName(verb, ROLES.keys());
    return complain(
      `unknown command ${JSON.stringify(verb)}${meant ? `; did you mean ${meant}?` : ""}`,
      ExitCode.usage,
    );
  }
  const role = await load();
  keepCompileCache();
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
  const line = async (verb: string, load: () => Promise<Role>) => `  ${verb.padEnd(12)}${(await load()).summary}`;
  const roles = await Promise.all([...ROLES].map(([verb, load]) => line(verb, load)));
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
