import type { Module } from "./modules.ts";

const PROGRAM = [
  "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/",
  "Upstream-Name: gpusched",
  "Source: package.json names it",
  "",
  "Files: *",
  "Copyright: 2026 the authors of gpusched",
  "License: Apache-2.0",
];
const APACHE =
  "On Debian systems, the full text of the Apache License, version 2.0,\nis in /usr/share/common-licenses/Apache-2.0.";

const FULL_APACHE =
  / *Apache License\s+Version 2\.0, January 2004[^]*?END OF TERMS AND CONDITIONS(\s+APPENDIX:[^]*?limitations\s+under the License\.)?/g;

/** Debian's `copyright` file for a package that brings nothing of others. */
export function ownCopyright(): string {
  return [...PROGRAM, indent(APACHE), ""].join("\n");
}

/** And for the one that brings these modules: with the terms of each. */
export function bundleCopyright(modules: readonly Module[]): string {
  const byText = Map.groupBy(modules, ({ license }) => withoutApache(license));
  const bundled = [...byText].flatMap(([text, those], index) => [
    "",
    `Files: ${those.map(({ name }) => `usr/lib/gpusched/node_modules/${name}/*`).join("\n ")}`,
    `Copyright: the authors of ${those.map(({ name, version }) => `${name} ${version}`).join(", ")}`,
    `License: ${text === APACHE ? "Apache-2.0" : `bundled-${index + 1}`}`,
    ...(text === APACHE ? [] : [indent(text)]),
  ]);
  return [...PROGRAM, ...bundled, "", "License: Apache-2.0", indent(APACHE), ""].join("\n");
}

/** Debian has the full text of this one on every host. */
function withoutApache(license: string): string {
  return license.replaceAll(FULL_APACHE, APACHE).trim();
}

function indent(text: string): string {
  return text
    .split("\n")
    .map((line) => (line.trim() === "" ? " ." : ` ${line.trimEnd()}`))
    .join("\n");
}
