/** Waits for what programs log, and for what else can be seen. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Program } from "../world/program.ts";
import { logLines } from "./log-lines.ts";

const LEADS = "the controller leads";
const WITHIN_MS = 120_000;
const POLL_MS = 50;

/** When the next leader began to lead, in milliseconds since the epoch. */
export async function untilSomebodyLeads(controllers: readonly Program[], sinceMs: number): Promise<number> {
  const find = () => logLines(controllers, LEADS).find(({ atMs }) => atMs >= sinceMs);
  return (await until("another controller leads", find)).atMs;
}

/** When the program logged this, in milliseconds since the epoch. */
export async function untilLogged(program: Program, message: string, sinceMs: number): Promise<number> {
  const find = () => logLines([program], message).find(({ atMs }) => atMs >= sinceMs);
  return (await until(`${program.name} logs "${message}"`, find)).atMs;
}

/** The first that is found; throws if nothing is for two minutes. */
export async function until<T>(what: string, look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  for (const giveUpMs = Date.now() + WITHIN_MS; Date.now() < giveUpMs; await sleep(POLL_MS)) {
    const found = await look();
    if (found !== undefined) return found;
  }
  throw new Error(`it has not come that ${what}`);
}
