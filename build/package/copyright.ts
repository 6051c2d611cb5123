import type { Module } from "./modules.ts";

const PROGRAM = [
  "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/",
  "Upstream-Name: gpusched",
  "Source: package.json names it",
  "",
  "Files: *",
  "Copyright: the authors of gpusched",
  "License: Apache-2.0",
];
const APACHE =
  "On Debian systems, the full text of the Apache License, version 2.0,\nis in /usr/share/common-licenses/Apache-2.0.";

/** Debian's `copyright` file for a package that brings nothing of others. */
export function ownCopyright(): string {
  return [...PROGRAM, indent(APACHE), ""].join("\n");
}

/** And for the one that brings these modules: with the terms of each. */
export function bundleCopyright(modules: readonly Module[]): string {
  const byText = Map.groupBy(modules, ({ license }) => (isApache(license) ? APACHE : license));
  const bundled = [...byText].flatMap(([text, those], index) => [
    "",
    `Files: ${those.map(({ name }) => `usr/lib/gpusched/node_modules/${name}/*`).join("\n ")}`,
    `Copyright: the authors of ${those.map(({ name, version }) => `${name} ${version}`).join(", ")}`,
    `License: ${text === APACHE ? "Apache-2.0" : `bundled-${index + 1}`}`,
    ...(text === APACHE ? [] : [indent(text)]),
  ]);
  return [...PROGRAM, ...bundled, "", "License: Apache-2.0", indent(APACHE), ""].join("\n");
}

/** The full text, and nothing else: Debian has it on every host. */
function isApache(license: string): boolean {
  return /^\s*Apache License\s+Version 2\.0, January 2004/.test(license);
}

function indent(text: string): string {
  return text
    .split("\n")
    .map((line) => (line.trim() === "" ? " ." : ` ${line.trimEnd()}`))
    .join("\n");
}
