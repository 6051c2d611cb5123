/** The documents name what the code has: every option, every field, nothing else. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { DEFAULT_CONTAINER_POLICY } from "../../agent/policy/container-policy.ts";
import { POLICY_FIELDS } from "../../agent/policy/policy-schema.ts";
import { parsePolicy } from "../../agent/policy/read-policy.ts";
import type { OptionTable, UnsupportedFlags } from "../../base/options.ts";
import { packageRoot } from "../../base/version.ts";
import { jobRequestSchema } from "../../contract/job.ts";
import { NOT_YET_TENANT_FIELDS } from "../../contract/not-yet.ts";
import { listJobsQuerySchema, logsQuerySchema } from "../../contract/query.ts";
import { tenantRequestSchema } from "../../contract/tenant.ts";
import { DEFAULT_POLICY } from "../../controller/core/model/policy.ts";
import { notYetRoutes } from "../../gateway/routes/not-yet.ts";
import {
  agentOptions,
  controllerOptions,
  devOptions,
  doctorOptions,
  firewallOptions,
  gatewayOptions,
  guardOptions,
  unsupportedByAgent,
  unsupportedByController,
  unsupportedByDev,
  unsupportedByGateway,
  unsupportedByGuard,
} from "../../program/options.ts";
import { showPolicy } from "../../program/policy-fields.ts";

const api = readDocument("docs/api.md");
const configuration = readDocument("docs/configuration.md");
const security = readDocument("docs/security.md");

function readDocument(name: string): string {
  return readFileSync(join(packageRoot, name), "utf8");
}

/** What stands below a heading, up to the next one. */
function section(document: string, heading: string): string {
  const [, text] = new RegExp(`^#+ ${heading}\\n([^]*?)(?=^#|(?![^]))`, "m").exec(document) ?? [];
  if (text === undefined) throw new Error(`there is no section ${heading}`);
  return text;
}

/** The names in code style in the first column of the tables. */
function namesInTables(text: string): string[] {
  const cells = [...text.matchAll(/^\| (`[^|]*?`) \|/gm)].map(([, cell]) => cell ?? "");
  return cells.flatMap((cell) => [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name ?? ""));
}

/** `a`, and `b.c` for a field of a group. */
function pathsIn(fields: unknown): string[] {
  return Object.entries(fields ?? {}).flatMap(([name, value]: [string, unknown]) => {
    return typeof value === "object" ? pathsIn(value).map((path) => `${name}.${path}`) : [name];
  });
}

/** The row of an option as the page must have it. */
function optionRow([name, { kind, default: fallback, help }]: [string, OptionTable[string]]): string {
  const flag = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  const usage = `${flag} ${kind.placeholder}`.trimEnd().replaceAll("|", "\\|");
  const value = name === "nodeName" ? "the host's name" : fallback ? `\`${fallback}\`` : "";
  return `| \`${usage}\` | ${value} | ${help} |`.replaceAll("|  |", "| |");
}

describe("docs/configuration.md", () => {
  const roles: readonly (readonly [string, OptionTable, UnsupportedFlags])[] = [
    ["dev", devOptions, unsupportedByDev],
    ["controller", controllerOptions, unsupportedByController],
    ["gateway", gatewayOptions, unsupportedByGateway],
    ["agent", agentOptions, unsupportedByAgent],
    ["guard", guardOptions, unsupportedByGuard],
    ["firewall", firewallOptions, {}],
    ["doctor", doctorOptions, {}],
  ];

  test.each(roles)("has the options of %s", (role, options) => {
    const rows = section(configuration, `gpusched ${role}`)
      .split("\n")
      .filter((line) => line.startsWith("| `--"));
    expect(rows).toEqual(Object.entries(options).map(optionRow));
  });

  test("has every field of a policy", () => {
    const rows = section(configuration, "Policies of your own").matchAll(/^\| (`.*?`) \|/gm);
    const documented = [...rows].flatMap(([, cell = ""]) => [...cell.matchAll(/`([\w.]+)`/g)].map(([, name]) => name));
    expect(documented).toEqual(pathsIn(showPolicy(DEFAULT_POLICY)));
  });

  test("says which flags are not supported yet", () => {
    const named = [...section(configuration, "Not supported yet").matchAll(/`--([a-z-]+)`/g)].map(([, name]) => name);
    const refused = roles.flatMap(([, , unsupported]) => Object.keys(unsupported));
    expect([...new Set(refused)].filter((name) => !named.includes(name))).toEqual([]);
  });
});

describe("the policy of a host's containers", () => {
  test("docs/security.md has every field", () => {
    const rows = section(security, "The policy file").matchAll(/^\| `(\w+)` \|/gm);
    expect([...rows].map(([, name]) => name)).toEqual(POLICY_FIELDS);
  });

  test("the packaged file shows every field with its default, and is one that says nothing", () => {
    const file = readDocument("build/package/debian/policy.yaml");
    expect(parsePolicy("policy.yaml", file)).toEqual(DEFAULT_CONTAINER_POLICY);
    const shown = file.split("\n").flatMap((line) => /^#(\w+: .*)$/.exec(line)?.[1] ?? []);
    expect(shown.map((line) => line.split(":")[0])).toEqual(POLICY_FIELDS);
    const fixed = shown.filter((line) => !/^(locked_memory_mb|tmp_mb|scratch_mb)/.test(line));
    expect(parsePolicy("policy.yaml", fixed.join("\n"))).toEqual(DEFAULT_CONTAINER_POLICY);
  });
});

describe("docs/api.md", () => {
  test.each([
    ["Submit a job", jobRequestSchema],
    ["Create a tenant", tenantRequestSchema],
    ["List jobs", listJobsQuerySchema],
    ["Read a job's output", logsQuerySchema],
  ])("%s: has every field", (heading, schema) => {
    const documented = namesInTables(section(api, heading)).filter((name) => /^[a-z]/.test(name));
    expect(documented.toSorted()).toEqual(Object.keys(schema.shape).toSorted());
  });

  test("says what is not supported yet, and only that", () => {
    const text = section(api, "Not supported yet");
    const fields = NOT_YET_TENANT_FIELDS;
    const endpoints = notYetRoutes().flatMap(({ path, methods }) =>
      Object.keys(methods).map((method) => `${method} ${path.replace(/:(\w+)/g, "{$1}")}`),
    );
    const named = [...text.matchAll(/`((?:GET|POST) [^`]+|\w+)`/g)].map(([, name]) => name ?? "");
    const others = ["POST /jobs", "POST /tenants"];
    expect(named.filter((name) => !others.includes(name)).toSorted()).toEqual([...fields, ...endpoints].toSorted());
  });
});
