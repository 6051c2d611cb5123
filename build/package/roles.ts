/** The roles that have a package of their own. */
import type { OptionTable } from "../../base/options.ts";
import { agentOptions, controllerOptions, gatewayOptions } from "../../program/options.ts";

export interface PackagedRole {
  readonly name: string;
  readonly options: OptionTable;
  /** What the file of the package sets, against the program's own defaults. */
  readonly settings: Readonly<Record<string, string>>;
}

export const PACKAGED_ROLES: readonly PackagedRole[] = [
  {
    name: "controller",
    options: controllerOptions,
    settings: { dataDir: "/var/lib/gpusched-controller" },
  },
  { name: "gateway", options: gatewayOptions, settings: {} },
  { name: "agent", options: agentOptions, settings: { dataDir: "/var/lib/gpusched-agent" } },
];

/** The configuration file of a role: every option, those at their default as comments. */
export function configurationFile({ name, options, settings }: PackagedRole): string {
  const entries = Object.entries(options).map(([option, { default: fallback, help, kind }]) => {
    const key = option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    const setting = settings[option];
    // The name of the host that makes the package is nobody's default.
    const value = option === "nodeName" ? "" : (fallback ?? "");
    const example = value === "" ? ` ${kind.placeholder}` : ` ${value}`;
    return `# ${help}\n${setting === undefined ? `#${key}:${example.trimEnd()}` : `${key}: ${setting}`}\n`;
  });
  return [
    `# Options of gpusched ${name}, see gpusched-${name}(8). Comments show the defaults. After a change:`,
    `#   systemctl restart gpusched-${name}`,
    `# Variables such as GPUSCHED_LOG_LEVEL=debug may also be set in /etc/gpusched/${name}.env, and win over this file.`,
    "",
    ...entries,
  ].join("\n");
}
