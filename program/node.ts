/** `gpusched node`: what an operator says of a node, over the REST API. */
import { hostname, userInfo } from "node:os";
import { parseArgs } from "node:util";
import { messageOf } from "../base/errors.ts";
import { UsageError } from "../base/options.ts";
import { parseDuration, SECOND_MS } from "../base/time.ts";
import { NODE_NAME } from "../contract/node.ts";
import { ExitCode } from "./exit-code.ts";
import type { Role } from "./role.ts";

const DEFAULT_URL = "http://127.0.0.1:8080";
const DEADLINE_MS = 15_000;

const NODE_VERBS = ["cordon", "drain", "uncordon", "confirm-dead"] as const;
/** Those that are about one device of the node. */
const DEVICE_VERBS = ["quarantine", "release"] as const;
const VERBS = [...NODE_VERBS, ...DEVICE_VERBS] as const;
type Verb = (typeof VERBS)[number];

interface Word {
  readonly verb: Verb;
  readonly name: string;
  /** Undefined where the word is about the whole node. */
  readonly device: string | undefined;
  readonly url: string;
  readonly body: Readonly<Record<string, unknown>>;
}

export const nodeCommand: Role = {
  summary: "tells the cluster what an operator wants of a node, or knows of it",
  usage: `${NODE_VERBS.join("|")} NAME [OPTIONS], or ${DEVICE_VERBS.join("|")} NAME DEVICE [OPTIONS]`,
  help: () =>
    [
      "  cordon NAME             no new jobs start there; what runs goes on",
      "  drain NAME              the same, and what still runs at the deadline has to leave",
      "  uncordon NAME           it takes jobs again",
      "  confirm-dead NAME       its host is off: its jobs queue again at once",
      "  quarantine NAME DEVICE  no new jobs start on that GPU, until it is released; what runs goes on",
      "  release NAME DEVICE     it is given out again, also if its agent finds it unhealthy",
      "",
      "  --reason TEXT           what for, or how that is known; needed for confirm-dead",
      "  --by TEXT               who says so (user@host of whoever runs this)",
      "  --deadline DURATION     of a drain (1h)",
      `  --url URL               a gateway (GPUSCHED_URL, else ${DEFAULT_URL})`,
      "",
      "Confirm only that a host is dead which is switched off, or cut off from its power: what still ran there would run twice.",
      "A node that has been heard lately is refused. Should the host come back, what it still runs of these jobs is stopped.",
    ].join("\n"),
  async run({ args, environment }) {
    const word = parse(args, environment);
    const answer = await ask(`${word.url}/api/v1/nodes/${pathOf(word)}/${word.verb}`, word.body);
    if (typeof answer.error === "string") {
      console.error(`gpusched: ${answer.error}`);
      return codeOf(answer.status);
    }
    console.log(describe(word, Array.isArray(answer.job_ids) ? answer.job_ids.length : 0));
    return ExitCode.success;
  },
};

function pathOf({ name, device }: Word): string {
  const node = encodeURIComponent(name);
  return device === undefined ? node : `${node}/devices/${encodeURIComponent(device).replaceAll("%3A", ":")}`;
}

function describe({ verb, name, device }: Word, count: number): string {
  const jobs = `${count} ${count === 1 ? "job" : "jobs"}`;
  switch (verb) {
    case "cordon":
      return `node ${name} is cordoned: ${jobs} on it`;
    case "drain":
      if (count === 0) return `node ${name} is drained: no job is on it`;
      return `node ${name} is being drained: ${jobs} still on it`;
    case "uncordon":
      return `node ${name} takes jobs again: ${jobs} on it`;
    case "quarantine":
      return `device ${device} of node ${name} is quarantined: ${jobs} on it`;
    case "release":
      return `device ${device} of node ${name} is given out again: ${jobs} on it`;
    case "confirm-dead":
      return `node ${name} is confirmed dead: ${jobs} had to leave it`;
  }
}

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

/** What a gateway answers to a path that it does not have, unlike to a node that there is not. */
const NO_SUCH_PATH = "Not found";

function isWrongPath(status: number, answer: { readonly error?: unknown }): boolean {
  return status === 404 && answer.error === NO_SUCH_PATH;
}

async function ask(url: string, body: unknown): Promise<Answer> {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
    const { status } = response;
    const answer: unknown = await response.json().catch(() => undefined);
    const isOurs = typeof answer === "object" && answer !== null;
    if (isOurs && !isWrongPath(status, answer)) return { ...answer, status };
    const what = isOurs ? `: ${NO_SUCH_PATH}` : "";
    return { status: 0, error: `${url} answers ${status}${what}: is --url that of a gateway?` };
  } catch (error) {
    const why = error instanceof Error && error.cause !== undefined ? messageOf(error.cause) : messageOf(error);
    return { status: 503, error: `no answer from ${url}: ${why}` };
  }
}

function parse(args: readonly string[], environment: Readonly<Record<string, string | undefined>>): Word {
  const { values, positionals } = parsed(args);
  const [verb, name, ...others] = positionals;
  if (!isVerb(verb)) throw new UsageError(`one of ${VERBS.join(", ")} is needed`);
  const isOfDevice = DEVICE_VERBS.some((one) => one === verb);
  const [device, ...more] = isOfDevice ? others : [undefined, ...others];
  if (isOfDevice && device === undefined) throw new UsageError("a NAME and a DEVICE are needed");
  if (name === undefined || more.length > 0) throw new UsageError("one NAME is needed");
  if (!NODE_NAME.test(name)) throw new UsageError(`${JSON.stringify(name)} is no node's name`);
  const url = (values.url ?? environment["GPUSCHED_URL"] ?? DEFAULT_URL).replace(/\/$/, "");
  if (!URL.canParse(url) || !/^https?:\/\//i.test(url)) {
    throw new UsageError(`--url: ${JSON.stringify(url)} is no http:// or https:// URL`);
  }
  if (values.deadline !== undefined && verb !== "drain") throw new UsageError("--deadline is for drain");
  return { verb, name, device, url, body: bodyOf(verb, values) };
}

function isVerb(text: string | undefined): text is Verb {
  return VERBS.some((verb) => verb === text);
}

function bodyOf(verb: Verb, { reason, by, deadline }: ReturnType<typeof parsed>["values"]) {
  if (verb === "uncordon") return {};
  if (verb === "confirm-dead" && reason === undefined) {
    throw new UsageError("--reason is needed: how is it known that the host is off?");
  }
  return {
    by: by ?? `${userInfo().username}@${hostname()}`,
    ...(reason === undefined ? {} : { reason }),
    ...(deadline === undefined ? {} : { deadline_seconds: secondsOf(deadline) }),
  };
}

function secondsOf(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined)
    throw new UsageError(`--deadline: ${JSON.stringify(text)} is no duration such as 0s, 15m or 1h30m`);
  return Math.ceil(ms / SECOND_MS);
}

function parsed(args: readonly string[]) {
  const text = { type: "string" } as const;
  const options = { reason: text, by: text, deadline: text, url: text };
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options });
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(error.message);
    throw error;
  }
}
