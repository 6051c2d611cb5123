/** What a runner can do beyond the first one of its protocol. Runners outlive upgrades of the agent, and refuse what they do not know. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const FILE_NAME = "runner.features";

/** Before it listens. */
export function announceLimits(dataDir: string): void {
  writeFileSync(join(dataDir, FILE_NAME), `${process.pid} limits\n`);
}

export function withdrawFeatures(dataDir: string): void {
  rmSync(join(dataDir, FILE_NAME), { force: true });
}

/** Whether the runner that has the data directory takes limits with a launch. */
export function takesLimits(dataDir: string): boolean {
  try {
    const pid = readFileSync(join(dataDir, "runner.pid"), "utf8").trim();
    return readFileSync(join(dataDir, FILE_NAME), "utf8") === `${pid} limits\n`;
  } catch {
    return false;
  }
}
