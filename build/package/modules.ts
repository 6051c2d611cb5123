/** The packages of node_modules that an installed program needs. */
import { cpSync, existsSync, globSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { root } from "../source-files.ts";

export interface Module {
  readonly name: string;
  readonly version: string;
  /** Its terms, as it came with them. */
  readonly license: string;
}

/** What is of no use at run time; code may well have folders of such names further below. */
const SUPERFLUOUS = [
  "**/.*",
  "{docs,doc,test,tests,example,examples,benchmark,benchmarks,bench,include,share,scripts,man,tools,build/bin}",
  "bin.{js,cjs,mjs}",
  "**/*.{md,markdown,html,ts,mts,cts,map,flow,cc,cpp,c,h,gyp,gypi,yml,sh,bat,ps1}",
  "**/{Makefile,Gruntfile.js,Gulpfile.js,README,CHANGELOG,AUTHORS,History,SECURITY}",
  "**/{LICENSE,LICENCE,license,COPYING}*",
];
/** Of a package that brings its sources, and libraries for other systems. */
const SUPERFLUOUS_IN: Readonly<Record<string, readonly string[]>> = {
  koffi: ["lib", "vendor", "cnoke.cjs", "src/koffi/src/trampolines.cjs"],
  "@koromix/koffi-linux-x64": ["musl_x64"],
  "@koromix/koffi-linux-arm64": ["musl_arm64"],
};

interface LockedPackage {
  readonly dev?: boolean;
}

/** Copies them, without what is not needed. */
export function copyModules(target: string): Module[] {
  const { packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as {
    packages: Record<string, LockedPackage>;
  };
  // Those for other architectures are locked too, and not installed.
  const paths = Object.keys(packages).filter(
    (path) => path !== "" && !packages[path]?.dev && existsSync(join(root, path)),
  );
  if (paths.length === 0) throw new Error("node_modules is empty: npm ci");
  return paths.map((path) => copyModule(path, target));
}

function copyModule(path: string, target: string): Module {
  const from = join(root, path);
  const to = join(target, path);
  // Packages that this one has of its own are copied for themselves.
  cpSync(from, to, {
    recursive: true,
    filter: (file) => file === from || !file.startsWith(join(from, "node_modules")),
  });
  const { name, version } = JSON.parse(readFileSync(join(to, "package.json"), "utf8")) as Module;
  const license = licenseOf(to);
  const patterns = [...SUPERFLUOUS, ...(SUPERFLUOUS_IN[name] ?? [])];
  for (const found of globSync(patterns, { cwd: to })) rmSync(join(to, found), { recursive: true, force: true });
  return { name, version, license };
}

function licenseOf(directory: string): string {
  const file = readdirSync(directory)
    .toSorted()
    .find((name) => /^(licen[cs]e|copying)/i.test(name));
  if (file !== undefined) return readFileSync(join(directory, file), "utf8").trim();
  const { license } = JSON.parse(readFileSync(join(directory, "package.json"), "utf8")) as { license?: string };
  return license === undefined ? "see its source" : `License: ${license}`;
}
