/**
 * JSON that is the same for equal values: keys in order, fields that are undefined left out. For hashes: the order in which
 * the code lists fields must not matter. Takes about three times as long as `JSON.stringify`.
 */
export function canonicalJson(value: unknown): string {
  // What JSON has no word for, an undefined item of a list among it, is null there.
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  let text = "";
  const fields = value as Readonly<Record<string, unknown>>;
  for (const key of Object.keys(fields).sort()) {
    const field = fields[key];
    if (field === undefined) continue;
    text += `${text && ","}${JSON.stringify(key)}:${canonicalJson(field)}`;
  }
  return `{${text}}`;
}
