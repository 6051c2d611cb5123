import type { Row } from "../store.ts";
import { parseJsonObject } from "./data-directory.ts";
import type { RowChunk } from "./inspection.ts";
import { damaged } from "./store-errors.ts";

/**
 * Adds the rows of the chunk.
 *
 * @throws StoreError `damaged` naming a row that is no JSON object
 */
export function parseChunk({ table, texts }: RowChunk, directory: string, rows: Row[]): void {
  for (let index = 0; index < texts.length; index += 2) {
    const key = texts[index] ?? "";
    const value = parseJsonObject(texts[index + 1] ?? "");
    if (!value) throw damaged({ directory }, `row ${JSON.stringify(key)} of table ${table} is not a JSON object`);
    rows.push({ table, key, value });
  }
}
