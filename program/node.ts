/** `gpusched node confirm-dead`: an operator's word on a node, over the REST API. */
import { hostname, userInfo } from "node:os";
import { parseArgs } from "node:util";
import { messageOf } from "../base/errors.ts";
import { UsageError } from "../base/options.ts";
import { ExitCode } from "./exit-code.ts";
import type { Role } from "./role.ts";

const DEFAULT_URL = "http://127.0.0.1:8080";
const DEADLINE_MS = 15_000;

export const nodeCommand: Role = {
  summary: "tells the cluster what only an operator can know of a node",
  usage: "confirm-dead NAME --reason TEXT [--by TEXT] [--url URL]",
  help: () =>
    [
      "  confirm-dead NAME  the host of node NAME is off: its jobs queue again at once",
      "  --reason TEXT      how that is known; it stands in the history of these jobs",
      "  --by TEXT          who says so (user@host of whoever runs this)",
      `  --url URL          a gateway (GPUSCHED_URL, else ${DEFAULT_URL})`,
      "",
      "Say it only of a host that is switched off, or cut off from its power: what still ran there would run twice.",
      "A node that has been heard lately is refused. Should the host come back, what it still runs of these jobs is stopped.",
    ].join("\n"),
  async run({ args, environment }) {
    const { name, reason, by, url } = parse(args, environment);
    const answer = await ask(`${url}/api/v1/nodes/${encodeURIComponent(name)}/confirm-dead`, { by, reason });
    if (typeof answer.error === "string") {
      console.error(`gpusched: ${answer.error}`);
      return codeOf(answer.status);
    }
    const count = Array.isArray(answer.job_ids) ? answer.job_ids.length : 0;
    console.log(`node ${name} is confirmed dead: ${count} ${count === 1 ? "job" : "jobs"} had to leave it`);
    return ExitCode.success;
  },
};

function codeOf(status: number): number {
  if (status === 404) return ExitCode.notFound;
  if (status === 409) return ExitCode.conflict;
  return status === 503 ? ExitCode.unavailable : ExitCode.failure;
}

interface Answer {
  readonly status: number;
  readonly error?: unknown;
  readonly job_ids?: unknown;
}

async function ask(url: string, body: unknown): Promise<Answer> {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
    const answer: unknown = await response.json().catch(() => ({ error: `${url} answers ${response.status}` }));
    return { ...(typeof answer === "object" ? answer : {}), status: response.status };
  } catch (error) {
    const why = error instanceof Error && error.cause !== undefined ? messageOf(error.cause) : messageOf(error);
    return { status: 503, error: `no answer from ${url}: ${why}` };
  }
}

function parse(args: readonly string[], environment: Readonly<Record<string, string | undefined>>) {
  const { values, positionals } = parsed(args);
  const [verb, name, ...more] = positionals;
  if (verb !== "confirm-dead") throw new UsageError("confirm-dead is needed");
  if (name === undefined || more.length > 0) throw new UsageError("one NAME is needed");
  if (values.reason === undefined) throw new UsageError("--reason is needed: how is it known that the host is off?");
  const url = (values.url ?? environment["GPUSCHED_URL"] ?? DEFAULT_URL).replace(/\/$/, "");
  if (!URL.canParse(url)) throw new UsageError(`--url: ${JSON.stringify(url)} is no URL`);
  return { name, reason: values.reason, by: values.by ?? `${userInfo().username}@${hostname()}`, url };
}

function parsed(args: readonly string[]) {
  const text = { type: "string" } as const;
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options: { reason: text, by: text, url: text } });
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(error.message);
    throw error;
  }
}
