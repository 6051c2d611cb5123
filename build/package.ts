/**
 * `npm run package`: makes the Debian packages from dist/, for the architecture of this host, with Debian's own tools.
 *
 *   --output DIR          where they go (packages/)
 *   --version VERSION     instead of package.json's
 *   --compression xz|none none is quick, for tests
 */
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, globSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { version } from "../base/version.ts";
import { layOut } from "./package/tree.ts";
import { root } from "./source-files.ts";

const { values } = parseArgs({
  options: {
    output: { type: "string", default: "packages" },
    version: { type: "string", default: version },
    compression: { type: "string", default: "xz" },
  },
});

if (!existsSync(join(root, "dist/program/main.js"))) throw new Error("dist/ is missing: npm run build");
const directory = mkdtempSync(join(tmpdir(), "gpusched-package-"));
try {
  const tree = join(directory, `gpusched-${values.version}`);
  const epoch = sourceDate();
  layOut(tree, { version: values.version, epoch });
  execFileSync("dpkg-buildpackage", ["--build=binary", "--no-sign", "--no-pre-clean"], {
    cwd: tree,
    stdio: ["ignore", "pipe", "inherit"],
    env: {
      ...process.env,
      SOURCE_DATE_EPOCH: String(epoch),
      COMPRESSION: values.compression,
      TZ: "UTC",
      LC_ALL: "C.UTF-8",
    },
  });
  const output = resolve(values.output);
  mkdirSync(output, { recursive: true });
  for (const file of globSync(join(directory, "*.{deb,changes,buildinfo}")).toSorted()) {
    copyFileSync(file, join(output, basename(file)));
    if (file.endsWith(".deb")) console.log(join(output, basename(file)));
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}

/** The time that all files have: of the last commit, unless SOURCE_DATE_EPOCH says another. */
function sourceDate(): number {
  const given = process.env["SOURCE_DATE_EPOCH"];
  if (given !== undefined) return Number(given);
  return Number(execFileSync("git", ["log", "-1", "--format=%ct"], { cwd: root, encoding: "utf8" }).trim());
}
