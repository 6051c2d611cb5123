/** What the program can be told to do, in the order of its help. */
import type { Role } from "./role.ts";

/** Each is loaded when it is asked for: a controller needs nothing of what only an agent does. */
export const VERBS: ReadonlyMap<string, () => Promise<Role>> = new Map([
  ["dev", async () => (await import("./dev.ts")).devRole],
  ["controller", async () => (await import("./controller.ts")).controllerRole],
  ["gateway", async () => (await import("./gateway.ts")).gatewayRole],
  ["agent", async () => (await import("./agent.ts")).agentRole],
  ["guard", async () => (await import("./guard.ts")).guardRole],
  ["firewall", async () => (await import("./firewall.ts")).firewallCommand],
  ["doctor", async () => (await import("./doctor.ts")).doctorCommand],
  ["node", async () => (await import("./node.ts")).nodeCommand],
  ["backup", async () => (await import("./backup.ts")).backupCommand],
  ["restore", async () => (await import("./backup.ts")).restoreCommand],
  ["migrate", async () => (await import("./migrate.ts")).migrateCommand],
  ["replay", async () => (await import("./replay.ts")).replayCommand],
  ["policies", async () => (await import("./policies.ts")).policiesCommand],
  ["policy-diff", async () => (await import("./policy-diff.ts")).policyDiffCommand],
  ["completion", async () => (await import("./completion/command.ts")).completionCommand(loadVerbs)],
]);

/** Those that run until they are stopped. */
export const ROLES_THAT_STAY: ReadonlySet<string> = new Set(["dev", "controller", "gateway", "agent", "guard"]);

/** All of them, for whoever tells of all. */
export async function loadVerbs(): Promise<ReadonlyMap<string, Role>> {
  return new Map(await Promise.all([...VERBS].map(async ([verb, load]) => [verb, await load()] as const)));
}
