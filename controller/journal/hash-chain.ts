import { createHash } from "node:crypto";
import { RequestError } from "../../base/errors.ts";
import type { Answer } from "../core/step.ts";
import type { RecordedBatch } from "../loop/journal.ts";
import { canonicalJson } from "./canonical-json.ts";

/**
 * One hash for all that has happened so far:
 *
 *     hash(0) = SHA-256(first line of the file)
 *     hash(n) = SHA-256(hash(n - 1), stamp and inputs as the journal has them, canonical JSON of what came of them)
 *
 * Two chains that agree after a batch have agreed on every write, effect and answer up to there.
 */
export class HashChain {
  #hash: string;

  /** @param firstLine of the journal, its line feed included */
  constructor(firstLine: string) {
    this.#hash = createHash("sha256").update(firstLine).digest("hex");
  }

  get hash(): string {
    return this.#hash;
  }

  /** Adds a batch. */
  add({ at, inputs, outcome }: RecordedBatch): string {
    const hash = createHash("sha256").update(this.#hash).update(`${at}`).update(JSON.stringify(inputs));
    if ("failure" in outcome) hash.update(canonicalJson(outcome));
    else {
      const { writes, effects, answers, passed } = outcome;
      for (const write of writes) hash.update(canonicalJson(write));
      for (const effect of effects) hash.update(canonicalJson(effect));
      hash.update(canonicalJson([...answers.map(plain), passed]));
    }
    this.#hash = hash.digest("hex");
    return this.#hash;
  }
}

function plain(answer: Answer): unknown {
  if (!(answer instanceof RequestError)) return answer;
  const { code, message, fields } = answer;
  return { refused: { code, message, fields } };
}
