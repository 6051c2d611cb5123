/** `gpusched doctor`: what a person should know of this host, or mend, before jobs run here. */
import { existsSync } from "node:fs";
import { hostname } from "node:os";
import { examine } from "../agent/doctor/examine.ts";
import type { Finding, Severity } from "../agent/doctor/finding.ts";
import { describeOptions, type OptionSources, readOptions } from "../base/options.ts";
import { containerPolicyOf } from "./container-policy.ts";
import { ExitCode } from "./exit-code.ts";
import { agentOptions, doctorOptions } from "./options.ts";
import type { Role } from "./role.ts";

/** What the package's agent reads: a person on its host means that. */
const PACKAGED_CONFIG = "/etc/gpusched/agent.yaml";
const CHECK_WIDTH = 22;
const SEVERITIES: readonly Severity[] = ["error", "warning", "unknown", "ok"];

export const doctorCommand: Role = {
  summary: "examines this host and says what to mend",
  help: () => describeOptions(doctorOptions),
  async run(given) {
    const { sources, configFile } = withConfig(given);
    const {
      output,
      all,
      simulateGpus,
      containerPolicy: file,
      ...options
    } = readOptions(doctorOptions, {}, sources, agentOptions);
    const simulated = simulateGpus !== undefined;
    const { policy: containerPolicy } = containerPolicyOf({ containerPolicy: file, allowVolume: undefined });
    const findings = await examine({
      ...options,
      containerPolicy,
      simulated,
      configFile,
      isAgent: false,
      driftMs: undefined,
    });
    console.log(output === "json" ? toJson(findings) : toTable(findings, all));
    return findings.some(({ severity }) => severity === "error") ? ExitCode.failure : ExitCode.success;
  },
};

/** The file of the package's agent, unless another one is named; and `-o` as `--output`. */
function withConfig({ args, environment }: OptionSources): {
  readonly sources: OptionSources;
  readonly configFile: string | undefined;
} {
  const long = args.map((arg) => (arg === "-o" ? "--output" : arg));
  const at = long.findIndex((arg) => arg === "--config" || arg.startsWith("--config="));
  const named = at < 0 ? environment["GPUSCHED_CONFIG"] : (long[at]?.split("=", 2)[1] ?? long[at + 1]);
  if (named) return { sources: { args: long, environment }, configFile: named };
  if (!existsSync(PACKAGED_CONFIG)) return { sources: { args: long, environment }, configFile: undefined };
  const packaged = ["--config", PACKAGED_CONFIG];
  return { sources: { args: [...long, ...packaged], environment }, configFile: PACKAGED_CONFIG };
}

function toJson(findings: readonly Finding[]): string {
  const counts = Object.fromEntries(SEVERITIES.map((severity) => [severity, of(findings, severity).length]));
  return JSON.stringify({ host: hostname(), counts, findings }, undefined, 2);
}

/** The worst first; those where all is well in one line, unless each is wanted. */
function toTable(findings: readonly Finding[], all: boolean): string {
  const shown = SEVERITIES.filter((severity) => all || severity !== "ok");
  const lines = shown.flatMap((severity) => of(findings, severity)).flatMap(describe);
  const well = [...new Set(of(findings, "ok").map(({ check }) => check))];
  const rest = all || well.length === 0 ? [] : [`ok       ${well.join(", ")}`];
  return [...lines, ...rest, "", summary(findings)].join("\n");
}

function describe({ check, severity, message, cure }: Finding): readonly string[] {
  const indent = " ".repeat(9);
  const head = `${severity.padEnd(8)} ${check.padEnd(CHECK_WIDTH)} ${message}`;
  return cure === "" ? [head] : [head, `${indent}${"cure:".padStart(CHECK_WIDTH)} ${cure}`];
}

function summary(findings: readonly Finding[]): string {
  const [errors, warnings, unknowns, well] = SEVERITIES.map((severity) => of(findings, severity).length);
  const seen = unknowns === 0 ? "" : `, ${unknowns} that could not be seen`;
  return `${hostname()}: ${counted(errors, "error")}, ${counted(warnings, "warning")}${seen}, ${well} well`;
}

function counted(count = 0, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}

function of(findings: readonly Finding[], severity: Severity): readonly Finding[] {
  return findings.filter((finding) => finding.severity === severity);
}
