/** The Debian packages, made as `npm run package` makes them, but quickly. */
import { execFile, execFileSync } from "node:child_process";
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { packageRoot } from "../../base/version.ts";

const BUILD_MS = 600_000;

/** Makes them in a directory; resolves with their names. */
export async function buildPackages(output: string): Promise<string[]> {
  if (!existsSync(join(packageRoot, "dist/program/main.js"))) throw new Error("dist/ is missing: npm run build");
  const args = [join(packageRoot, "build/package.ts"), "--output", output, "--compression", "none"];
  await promisify(execFile)(process.execPath, args, { timeout: BUILD_MS, maxBuffer: 64 * 1024 * 1024 });
  return globSync("*.deb", { cwd: output }).toSorted();
}

/** The same package as a later version, with whatever the edit changes in its files. */
export function laterVersion(
  deb: string,
  output: string,
  edit: { readonly control: (text: string) => string; readonly file?: [string, (text: string) => string] },
): string {
  const tree = join(output, "tree");
  rmSync(tree, { recursive: true, force: true });
  mkdirSync(output, { recursive: true });
  execFileSync("dpkg-deb", ["--raw-extract", deb, tree]);
  const change = (name: string, how: (text: string) => string) =>
    writeFileSync(join(tree, name), how(readFileSync(join(tree, name), "utf8")));
  change("DEBIAN/control", edit.control);
  if (edit.file) change(...edit.file);
  const name = deb.slice(deb.lastIndexOf("/") + 1);
  execFileSync("dpkg-deb", ["--root-owner-group", "-Znone", "--build", tree, join(output, name)], { stdio: "ignore" });
  rmSync(tree, { recursive: true });
  return join(output, name);
}
