/** Bad input as data: what is sent, and what must come back. Any gateway must answer so, whatever stands behind it. */
import { fieldRows } from "./bad-input-fields.ts";
import { httpRows } from "./bad-input-http.ts";
import { laterRows } from "./bad-input-later.ts";
import type { BadInputRow } from "./bad-input-row.ts";

export const badInputRows: readonly BadInputRow[] = [...httpRows, ...fieldRows, ...laterRows];
