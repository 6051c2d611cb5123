/** The tree that Debian's tools make packages of. */
import { createHash } from "node:crypto";
import { chmodSync, cpSync, globSync, mkdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { SHELLS } from "../../program/completion/shells.ts";
import { loadVerbs } from "../../program/verbs.ts";
import { root } from "../source-files.ts";
import { bundleCopyright, ownCopyright } from "./copyright.ts";
import { type Edition, manPages } from "./man-pages.ts";
import { copyModules } from "./modules.ts";
import { configurationFile, PACKAGED_ROLES, type PackagedRole } from "./roles.ts";

/** Before this, by a number of seconds below this. */
const UNITS_BEFORE_S = 1_500_000_000;

/** What the agent has beside it. */
const BESIDE_AGENT = ["gpusched-firewall", "gpusched-guard"] as const;

const VERBS = await loadVerbs();
const TEMPLATES = join(import.meta.dirname, "debian");
const COMPLETIONS = {
  bash: ["gpusched", "usr/share/bash-completion/completions"],
  zsh: ["_gpusched", "usr/share/zsh/vendor-completions"],
  fish: ["gpusched.fish", "usr/share/fish/vendor_completions.d"],
} as const;

export function layOut(tree: string, edition: Edition): void {
  const program = join(tree, "gpusched");
  const put = (name: string, text: string) => {
    mkdirSync(dirname(join(tree, name)), { recursive: true });
    writeFileSync(join(tree, name), text);
  };
  cpSync(join(root, "dist"), join(program, "dist"), { recursive: true });
  cpSync(join(root, "bin"), join(program, "bin"), { recursive: true });
  cpSync(join(root, "package.json"), join(program, "package.json"));
  const modules = copyModules(program);
  for (const name of ["control", "rules"]) cpSync(join(TEMPLATES, name), join(tree, "debian", name));
  put("debian/copyright", ownCopyright());
  put("debian/gpusched.copyright", bundleCopyright(modules));
  put("debian/changelog", changelog(edition));
  put("debian/gpusched.lintian-overrides", read("gpusched.lintian-overrides"));
  put("debian/gpusched.prerm", read("gpusched.prerm"));
  put("debian/gpusched.links", "usr/lib/gpusched/bin/gpusched usr/bin/gpusched\n");
  put("debian/gpusched.docs", globSync("docs/*.md", { cwd: root }).concat("README.md").toSorted().join("\n"));
  cpSync(join(root, "docs"), join(tree, "docs"), { recursive: true });
  cpSync(join(root, "README.md"), join(tree, "README.md"));
  for (const { name, text } of manPages(edition)) {
    put(`man/${name}`, text);
    put(`debian/${name.slice(0, name.lastIndexOf("."))}.manpages`, `man/${name}\n`);
  }
  const installs = Object.entries(COMPLETIONS).map(([shell, [name, folder]]) => {
    put(`completion/${name}`, SHELLS[shell]?.(VERBS) ?? "");
    return `completion/${name} ${folder}\n`;
  });
  put("debian/gpusched.install", ["gpusched usr/lib\n", ...installs].join(""));
  for (const role of PACKAGED_ROLES) layOutRole(role, put);
  settle(tree, edition.epoch);
}

function layOutRole(role: PackagedRole, put: (name: string, text: string) => void): void {
  const { name } = role;
  const unit = (file: string) => readFileSync(join(root, "systemd", file), "utf8");
  put(`etc/${name}.yaml`, configurationFile(role));
  const files = name === "agent" ? [`${name}.yaml`, "policy.yaml"] : [`${name}.yaml`];
  put(`debian/gpusched-${name}.install`, files.map((file) => `etc/${file} etc/gpusched\n`).join(""));
  put(`debian/gpusched-${name}.service`, unit(`gpusched-${name}.service`));
  put(`debian/gpusched-${name}.sysusers`, unit(`sysusers.d/gpusched-${name}.conf`));
  if (name !== "gateway") put(`debian/gpusched-${name}.tmpfiles`, unit(`tmpfiles.d/gpusched-${name}.conf`));
  if (name === "agent") {
    put("etc/policy.yaml", read("policy.yaml"));
    for (const beside of BESIDE_AGENT) put(`debian/gpusched-agent.${beside}.service`, unit(`${beside}.service`));
    put("examples/processes.conf", unit("gpusched-agent-processes.conf"));
    put("debian/gpusched-agent.examples", "examples/processes.conf\n");
  }
  const purge = read(`${name}.purge`).trimEnd();
  for (const script of ["postinst", "prerm", "postrm"]) {
    put(
      `debian/gpusched-${name}.${script}`,
      read(`role.${script}`)
        .replaceAll("@UNITS@", unitsOf(name).join(" "))
        .replace("@PURGE@", () => purge),
    );
  }
}

/** In the order in which they are started: jobs find the firewall there. */
function unitsOf(role: string): readonly string[] {
  const [firewall, guard] = BESIDE_AGENT;
  const units = role === "agent" ? [firewall, "gpusched-agent", guard] : [`gpusched-${role}`];
  return units.map((name) => `${name}.service`);
}

function read(template: string): string {
  return readFileSync(join(TEMPLATES, template), "utf8");
}

function changelog({ version, epoch }: Edition): string {
  const date = new Date(epoch * 1_000).toUTCString().replace("GMT", "+0000");
  const maintainer = /^Maintainer: (.+)$/m.exec(read("control"))?.[1];
  return `gpusched (${version}) unstable; urgency=medium\n\n  * Version ${version}.\n\n -- ${maintainer}  ${date}\n`;
}

/** Modes and times that do not depend on who makes the packages, and when. */
function settle(tree: string, epoch: number): void {
  for (const name of globSync("**/*", { cwd: tree })) {
    const path = join(tree, name);
    const stats = statSync(path);
    const isProgram =
      /^(debian\/rules|gpusched\/bin\/gpusched|gpusched\/node_modules\/node-linux-[^/]+\/bin\/node)$/.test(name);
    chmodSync(path, stats.isDirectory() || isProgram ? 0o755 : 0o644);
    const time = name.endsWith(".service") ? timeOf(path) : epoch;
    utimesSync(path, time, time);
  }
}

/**
 * A time that changes with the content, and only with it: systemd asks for a reload when the time of a unit's file has
 * changed, and a version that left the unit alone must not.
 */
function timeOf(path: string): number {
  return createHash("sha256").update(readFileSync(path)).digest().readUInt32BE(0) % UNITS_BEFORE_S;
}
