import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { packageRoot } from "../../base/version.ts";
import { agentOptions } from "../options.ts";
import { loadVerbs } from "../verbs.ts";
import { flagsOf } from "./flags.ts";
import { SHELLS } from "./shells.ts";

const directory = mkdtempSync(join(tmpdir(), "gpusched-completion-"));
afterAll(() => rmSync(directory, { recursive: true }));

const VERBS = await loadVerbs();
const agent = flagsOf(VERBS.get("agent") ?? { help: () => "" });

function script(shell: string): string {
  return SHELLS[shell]?.(VERBS) ?? "";
}

/** What bash offers for the last of the words. */
function offered(...words: string[]): string[] {
  const program = `${script("bash")}\nCOMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _gpusched; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const output = execFileSync("bash", ["-c", program, "bash", "gpusched", ...words], { encoding: "utf8" });
  return output.split("\n").filter((line) => line !== "");
}

function fileOf(text: string): string {
  const file = join(directory, "completion");
  writeFileSync(file, text);
  return file;
}

test("the options of a role are those of its table", () => {
  const names = Object.keys(agentOptions).map((name) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`));
  expect(agent.map(({ name }) => name)).toEqual([...names, "config"].map((name) => `--${name}`));
});

test("every verb with options in its help has them here", () => {
  const counts = [...VERBS].map(([verb, role]) => [verb, flagsOf(role).length] as const);
  const without = counts.filter(([, count]) => count === 0).map(([verb]) => verb);
  expect(without).toEqual(["replay", "completion"]);
});

test("bash completes commands, options, their values, and files", () => {
  expect(offered("co")).toEqual(["controller", "completion"]);
  expect(offered("agent", "--exec")).toEqual(["--executor"]);
  expect(offered("agent", "--executor", "")).toEqual(["docker", "process"]);
  expect(offered("agent", "--node-name", "")).toEqual([]);
  expect(offered("agent", "--config", join(packageRoot, "LIC"))).toEqual([join(packageRoot, "LICENSE")]);
  expect(offered("node", "--rea")).toEqual(["--reason"]);
});

test.each(["zsh", "fish"])("%s is told every command and option, where it is there in words it can read", (shell) => {
  const text = script(shell);
  for (const [verb, role] of VERBS) {
    expect(text).toContain(verb);
    for (const { name } of flagsOf(role)) expect(text).toContain(name.slice(2));
  }
  const { error, status, stderr } = spawnSync(shell, ["-n", fileOf(text)], { encoding: "utf8" });
  if (error) console.log(`${shell} is not on this host: it has not read its completion`);
  else expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
});

test("the command prints them", () => {
  const output = execFileSync(process.execPath, [join(packageRoot, "program/main.ts"), "completion", "fish"]);
  expect(output.toString()).toBe(script("fish"));
});
