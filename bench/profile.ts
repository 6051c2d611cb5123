/**
 * `node bench/profile.ts FILE.cpuprofile…`: where the time of a measured process went, by package or folder and by function.
 * Profiles are what `NODE_OPTIONS="--cpu-prof --cpu-prof-dir=DIR" npm run bench -- --only PART` leaves, one for each process and thread.
 */
import { readFileSync } from "node:fs";
import { relative } from "node:path";
import { packageRoot } from "../base/version.ts";

const MOST_FUNCTIONS = 15;
const MOST_GROUPS = 12;
/** Below this part it is not listed. */
const LEAST_PERCENT = 0.5;

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  readonly children?: readonly number[];
}

interface Profile {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  /** Microseconds. */
  readonly timeDeltas: readonly number[];
}

for (const file of process.argv.slice(2)) {
  const profile = JSON.parse(readFileSync(file, "utf8")) as Profile;
  console.log(`${file}\n`);
  printTotals(profile, groupsOf(profile), MOST_GROUPS);
  printTotals(profile, new Map(profile.nodes.map((node) => [node.id, describe(node)])), MOST_FUNCTIONS);
}

/** For each node its package or folder; what Node.js itself does counts for whoever called it. */
function groupsOf({ nodes }: Profile): Map<number, string> {
  const groups = new Map<number, string>();
  const visit = (node: ProfileNode, caller: string): void => {
    const group = groupOf(node) ?? caller;
    groups.set(node.id, group);
    for (const id of node.children ?? []) {
      const child = byId.get(id);
      if (child) visit(child, group);
    }
  };
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const [root] = nodes;
  if (root) visit(root, "Node.js");
  return groups;
}

function groupOf({ callFrame: { functionName, url } }: ProfileNode): string | undefined {
  if (/^\((idle|garbage collector|program)\)$/.test(functionName)) return functionName;
  const name = /node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*node_modules\/)/.exec(url)?.[1];
  if (name !== undefined) return name;
  if (url.startsWith("file:")) return nameInPackage(url).split("/").slice(0, 2).join("/");
  if (url.includes("http2")) return "node:http2";
  return url.includes("_http_") ? "node:http" : undefined;
}

function describe({ callFrame: { functionName, url, lineNumber } }: ProfileNode): string {
  const place = url === "" ? "" : ` ${nameInPackage(url)}:${lineNumber + 1}`;
  return (functionName || "(anonymous)") + place;
}

function nameInPackage(url: string): string {
  return url.startsWith("file:") ? relative(packageRoot, new URL(url).pathname) : url;
}

function printTotals({ samples, timeDeltas }: Profile, names: ReadonlyMap<number, string>, most: number): void {
  const totals = new Map<string, number>();
  let all = 0;
  for (const [index, id] of samples.entries()) {
    const name = names.get(id) ?? "(unknown)";
    const delta = timeDeltas[index] ?? 0;
    totals.set(name, (totals.get(name) ?? 0) + delta);
    all += delta;
  }
  const largest = [...totals].toSorted(([, a], [, b]) => b - a).slice(0, most);
  for (const [name, time] of largest) {
    const percent = (100 * time) / all;
    if (percent >= LEAST_PERCENT) console.log(`${percent.toFixed(1).padStart(6)}%  ${name}`);
  }
  console.log("");
}
