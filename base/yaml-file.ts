import { readFileSync } from "node:fs";
import { type Document, isMap, isScalar, parseDocument, type YAMLError } from "yaml";
import { messageOf } from "./errors.ts";

/** What a YAML file says, or what is wrong with it: a sentence without its subject, which is the file. */
export function readYamlFile(file: string): { readonly value: unknown } | { readonly problem: string } {
  let content: string;
  try {
    content = readFileSync(file, "utf8");
  } catch (error) {
    return { problem: `cannot be read: ${messageOf(error)}` };
  }
  return parseYaml(content);
}

/** What a YAML text says, or what is wrong with it: a sentence without its subject. */
export function parseYaml(content: string): { readonly value: unknown } | { readonly problem: string } {
  const document = parseDocument(content);
  const [fault] = document.errors;
  if (fault) return { problem: problemOf(fault, document) };
  try {
    return { value: document.toJS() as unknown };
  } catch (error) {
    // Aliases of anchors that are not there, or of too many.
    return { problem: `is not YAML: ${messageOf(error)}` };
  }
}

function problemOf(fault: YAMLError, document: Document): string {
  const path = fault.code === "DUPLICATE_KEY" ? pathAt(document.contents, fault.pos[0]) : [];
  if (path.length === 0) return `is not YAML: ${fault.message}`;
  return `has ${path.join(".")} twice, again in line ${fault.linePos?.[0].line ?? 0}`;
}

/** The names that lead to the key that begins at the offset. */
function pathAt(node: unknown, offset: number): readonly string[] {
  if (!isMap(node)) return [];
  for (const { key, value } of node.items) {
    if (!isScalar(key)) continue;
    if (key.range?.[0] === offset) return [String(key.value)];
    const rest = pathAt(value, offset);
    if (rest.length > 0) return [String(key.value), ...rest];
  }
  return [];
}
