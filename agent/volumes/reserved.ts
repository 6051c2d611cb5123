import { pathProblem, reservedSource } from "../../contract/volume-path.ts";

/** What is wrong with a path below which volumes are to be allowed, as a sentence's end. */
export function prefixProblem(prefix: string): string | undefined {
  const problem = pathProblem(prefix);
  if (problem !== undefined) return problem;
  if (prefix.endsWith(":rw")) return "must not end with :rw";
  if (prefix === "/") return "must not be /";
  const reserved = reservedSource(prefix);
  return reserved === undefined ? undefined : `lies in ${reserved}, which no job is ever given`;
}
