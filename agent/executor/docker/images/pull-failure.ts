import { messageOf } from "../../../../base/errors.ts";
import { SECOND_MS } from "../../../../base/time.ts";
import { EngineError } from "../engine-client.ts";
import { badRequest, type Failure, node, quoted } from "../failures.ts";
import { registryOf } from "./image-name.ts";
import { PullStalledError } from "./image-pull.ts";

/** Whether another try on this node may help: never, after a moment, or when the registry takes requests again. */
export type Retry =
  | { readonly kind: "never" }
  | { readonly kind: "soon" }
  | { readonly kind: "throttled"; readonly afterMs: number | undefined };

export interface PullFailure {
  readonly end: Failure;
  readonly retry: Retry;
}

/** What is known of a pull beside what Docker said. */
export interface PullFacts {
  readonly image: string;
  /** The registry was given credentials of this node. */
  readonly hasAuth: boolean;
}

const NEVER: Retry = { kind: "never" };
const SOON: Retry = { kind: "soon" };

interface Cause {
  readonly pattern: RegExp;
  readonly retry: Retry;
  end(facts: PullFacts, text: string): Failure;
}

const couldNot = (image: string, why: string): Failure => node(`could not pull image ${image}: ${why}`);

/** The first that matches is it. */
const CAUSES: readonly Cause[] = [
  {
    pattern: /no space left on device|disk quota exceeded/i,
    retry: NEVER,
    end: ({ image }) => couldNot(image, "this node's disk is full"),
  },
  {
    pattern: /toomanyrequests|too many requests|rate limit/i,
    retry: { kind: "throttled", afterMs: undefined },
    end: ({ image, hasAuth }) =>
      couldNot(
        image,
        `its registry refuses more requests for now${hasAuth ? "" : "; with credentials it may allow more"}`,
      ),
  },
  {
    pattern: /no matching manifest|does not match the specified platform|exec format/i,
    retry: NEVER,
    end: ({ image }) =>
      badRequest(`image is not made for this kind of machine: ${image}; name one that is, or select other nodes`),
  },
  {
    pattern: /invalid reference format|invalid tag|repository name must/i,
    retry: NEVER,
    end: ({ image }) => badRequest(`not the name of an image: ${image}`),
  },
  {
    pattern: /incorrect username or password|invalid username|invalid_grant|refresh token/i,
    retry: NEVER,
    end: ({ image }) =>
      couldNot(image, `${registryOf(image)} does not accept the credentials that this node has for it`),
  },
  {
    pattern: /denied|unauthorized|forbidden|authentication required|no basic auth|\b40[13]\b/i,
    retry: NEVER,
    end: ({ image, hasAuth }) =>
      badRequest(`image not found, or access to it denied: ${image}; ${accessHint(image, hasAuth)}`),
  },
  {
    pattern: /manifest unknown|name unknown|not found|does not exist/i,
    retry: NEVER,
    end: ({ image }) => badRequest(`image not found: ${image}; check its name and its tag`),
  },
  {
    pattern: /HTTP response to HTTPS client/i,
    retry: NEVER,
    end: ({ image }) =>
      couldNot(
        image,
        "its registry answers without TLS, and Docker on this node does not allow that (insecure-registries)",
      ),
  },
  {
    pattern: /x509|certificate/i,
    retry: NEVER,
    end: ({ image }, text) => couldNot(image, `Docker on this node does not trust its registry: ${quoted(text)}`),
  },
  {
    pattern:
      /verification failed|digest mismatch|did not match|unexpected commit (digest|size)|checksum|gzip: invalid|corrupt/i,
    retry: SOON,
    end: ({ image }) => couldNot(image, "what came does not have the digest that its registry promised"),
  },
  {
    pattern: /\b50\d\b|internal server error|bad gateway|service unavailable|gateway time-?out/i,
    retry: SOON,
    end: ({ image }, text) => couldNot(image, `its registry fails: ${quoted(text)}`),
  },
  {
    pattern: /unexpected EOF|: EOF|byte range|broken pipe|connection reset/i,
    retry: SOON,
    end: ({ image }) => couldNot(image, "the connection to its registry broke off"),
  },
  {
    pattern: /dial tcp|no such host|timeout|timed? out|TLS|connection refused|network is unreachable|no route/i,
    retry: SOON,
    end: ({ image }) => couldNot(image, "its registry cannot be reached"),
  },
];

/** Why an image could not be had. What the registry or its network is to blame for may work at another try. */
export function pullFailure(facts: PullFacts, error: unknown): PullFailure {
  const text = messageOf(error);
  // The engine is away: its health says so, and the launch is not held up for it.
  if (error instanceof EngineError && error.status === undefined) return { end: node(text), retry: NEVER };
  // It has had its time; another node, or another attempt later, may fare better.
  if (error instanceof PullStalledError) return { end: couldNot(facts.image, text), retry: NEVER };
  const cause = CAUSES.find(({ pattern }) => pattern.test(text));
  if (!cause) return { end: couldNot(facts.image, quoted(text)), retry: SOON };
  const { retry } = cause;
  return {
    end: cause.end(facts, text),
    retry: retry.kind === "throttled" ? { ...retry, afterMs: retryAfterMs(text) } : retry,
  };
}

/** Docker drops the header; some registries say it in their message too: `retry-after: 1.5s`, or bare seconds. */
function retryAfterMs(text: string): number | undefined {
  const [, amount, unit] = /retry[- ]after:?\s*([\d.]+)\s*(ms|µs|s|m)?/i.exec(text) ?? [];
  if (amount === undefined) return undefined;
  const unitMs: Readonly<Record<string, number>> = { µs: 0.001, ms: 1, s: SECOND_MS, m: 60 * SECOND_MS };
  return Math.ceil(Number(amount) * (unitMs[unit ?? "s"] ?? SECOND_MS));
}

function accessHint(image: string, hasAuth: boolean): string {
  const registry = registryOf(image);
  return hasAuth
    ? `check its name; the credentials that this node has for ${registry} may not allow it`
    : `check its name; if it is private, the node needs credentials for ${registry} (--registry-auth)`;
}
