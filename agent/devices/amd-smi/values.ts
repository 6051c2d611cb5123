/** What `amd-smi --json` writes: its versions differ in where things are, and in how numbers are written. */

const FACTORS_TO_MB: Readonly<Record<string, number>> = {
  B: 1 / (1024 * 1024),
  KB: 1 / 1024,
  KIB: 1 / 1024,
  MB: 1,
  MIB: 1,
  GB: 1024,
  GIB: 1024,
};

/** The value under the first of these paths that has one that means something. */
export function find(json: unknown, ...paths: readonly string[]): unknown {
  for (const path of paths) {
    const value = path.split(".").reduce(child, json);
    if (value !== undefined && value !== null && value !== "N/A" && value !== "") return value;
  }
  return undefined;
}

function child(json: unknown, name: string): unknown {
  return typeof json === "object" && json !== null ? new Map(Object.entries(json)).get(name) : undefined;
}

/** A list, or one under `gpu_data`. */
export function listOf(json: unknown): readonly unknown[] {
  const list = Array.isArray(json) ? json : find(json, "gpu_data");
  return Array.isArray(list) ? list : [];
}

export function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value.trim() : typeof value === "number" ? String(value) : undefined;
}

/** `37`, `"37"`, `"37 %"` or `{ "value": 37, "unit": "%" }`. */
export function numberOf(value: unknown): number | undefined {
  return quantityOf(value)?.amount;
}

/** Where no unit is told, it is MB. */
export function megabytesOf(value: unknown): number | undefined {
  const quantity = quantityOf(value);
  const factor = FACTORS_TO_MB[quantity?.unit.toUpperCase() || "MB"];
  return quantity && factor !== undefined ? Math.floor(quantity.amount * factor) : undefined;
}

function quantityOf(value: unknown): { readonly amount: number; readonly unit: string } | undefined {
  if (typeof value === "number") return Number.isFinite(value) ? { amount: value, unit: "" } : undefined;
  if (typeof value === "string") {
    const [match, digits, unit = ""] = /^\s*(-?\d+(?:\.\d+)?)\s*([A-Za-z%°]*)\s*$/.exec(value) ?? [];
    return match === undefined ? undefined : { amount: Number(digits), unit };
  }
  const inner = find(value, "value");
  const quantity = inner === undefined || typeof inner === "object" ? undefined : quantityOf(inner);
  return quantity && { amount: quantity.amount, unit: textOf(find(value, "unit")) ?? quantity.unit };
}
