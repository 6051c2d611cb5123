import type { Row, RowValue } from "../store.ts";
import { parseJsonObject } from "./data-directory.ts";
import type { RowChunk } from "./inspection.ts";
import { damaged } from "./store-errors.ts";

/** Different texts that are remembered: most jobs are like others that came before, but nobody's have to be. */
const MAX_KNOWN = 10_000;

/** What chunks hold, one after the other. */
export class ChunkParser {
  readonly rows: Row[] = [];
  readonly #directory: string;
  /** Of specs, which never change: equal ones are one value, parsed once. */
  readonly #known = new Map<string, RowValue>();

  /** @param directory for messages */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /**
   * Adds the rows of the chunk.
   *
   * @throws StoreError `damaged` naming a row that is no JSON object
   */
  add({ table, texts }: RowChunk): void {
    for (let index = 0; index < texts.length; index += 2) {
      const key = texts[index] ?? "";
      const text = texts[index + 1] ?? "";
      const value = table === "spec" ? this.#parseOnce(text) : parseJsonObject(text);
      if (!value) {
        const row = `row ${JSON.stringify(key)} of table ${table}`;
        throw damaged({ directory: this.#directory }, `${row} is not a JSON object`);
      }
      this.rows.push({ table, key, value });
    }
  }

  #parseOnce(text: string): RowValue | undefined {
    const known = this.#known.get(text);
    if (known) return known;
    const value = parseJsonObject(text);
    if (value && this.#known.size < MAX_KNOWN) this.#known.set(text, value);
    return value;
  }
}
