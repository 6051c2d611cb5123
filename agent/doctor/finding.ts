/** What a check says of the host. */

/**
 * - `ok` as it should be
 * - `warning` it works, and something is slower, riskier or nearer to its end than it need be
 * - `error` something does not work, or is known to be unsafe
 * - `unknown` this user, or this host, does not let it be seen
 */
export type Severity = "ok" | "warning" | "error" | "unknown";

export interface Finding {
  /** A name that stays: `docker-live-restore`. */
  readonly check: string;
  readonly severity: Severity;
  /** A sentence. */
  readonly message: string;
  /** What to do; empty where there is nothing to be done. */
  readonly cure: string;
}

export function ok(check: string, message: string): Finding {
  return { check, severity: "ok", message, cure: "" };
}

export function warning(check: string, message: string, cure: string): Finding {
  return { check, severity: "warning", message, cure };
}

export function error(check: string, message: string, cure: string): Finding {
  return { check, severity: "error", message, cure };
}

export function unknown(check: string, message: string, cure = ""): Finding {
  return { check, severity: "unknown", message, cure };
}
