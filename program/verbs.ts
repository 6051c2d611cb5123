/** What the program can be told to do, in the order of its help. */
import { agentRole } from "./agent.ts";
import { backupCommand, restoreCommand } from "./backup.ts";
import { completionCommand } from "./completion/command.ts";
import { controllerRole } from "./controller.ts";
import { devRole } from "./dev.ts";
import { gatewayRole } from "./gateway.ts";
import { migrateCommand } from "./migrate.ts";
import { nodeCommand } from "./node.ts";
import { policiesCommand } from "./policies.ts";
import { policyDiffCommand } from "./policy-diff.ts";
import { replayCommand } from "./replay.ts";
import type { Role } from "./role.ts";

export const VERBS: ReadonlyMap<string, Role> = new Map([
  ["dev", devRole],
  ["controller", controllerRole],
  ["gateway", gatewayRole],
  ["agent", agentRole],
  ["node", nodeCommand],
  ["backup", backupCommand],
  ["restore", restoreCommand],
  ["migrate", migrateCommand],
  ["replay", replayCommand],
  ["policies", policiesCommand],
  ["policy-diff", policyDiffCommand],
  ["completion", completionCommand(() => VERBS)],
]);

/** Those that run until they are stopped. */
export const ROLES_THAT_STAY: ReadonlySet<string> = new Set(["dev", "controller", "gateway", "agent"]);
