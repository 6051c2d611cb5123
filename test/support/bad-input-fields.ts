/** Rows about the JSON of a body and the fields in it. */
import {
  type BadInputRow,
  type Json,
  KIB,
  goodJob,
  goodTenant,
  job,
  jobText,
  request,
  tenant,
  tenantText,
} from "./bad-input-row.ts";

const shapes: readonly BadInputRow[] = [
  jobText("JSON that is cut off", 400, JSON.stringify(goodJob).slice(0, -5), "body"),
  jobText("data behind the JSON", 400, `${JSON.stringify(goodJob)}{}`, "body"),
  jobText("two JSON texts on lines", 400, `${JSON.stringify(goodJob)}\n${JSON.stringify(goodJob)}`, "body"),
  jobText("a comment", 400, `${JSON.stringify(goodJob)} // hello`, "body"),
  jobText("single quotes", 400, "{'name':'x'}", "body"),
  jobText("NaN", 400, '{"gpu_count":NaN}', "body"),
  jobText("a name given twice", 400, '{"name":"a","gpu_count":1,"name":"b"}', "body: name is given twice"),
  jobText("a name given twice, once with escapes", 400, '{"name":"a","n\\u0061me":"b"}', "name"),
  jobText("a name given twice further in", 400, '{"environment":{"A":"1","B":"2","A":"3"}}', "body: A is given twice"),
  ...[
    ["a list", "[]"] as const,
    ["a string", '"job"'] as const,
    ["a number", "1"] as const,
    ["null", "null"] as const,
  ].map(([what, body]) => jobText(`${what} instead of an object`, 400, body)),
  jobText("33 levels of lists", 400, "[".repeat(33) + "]".repeat(33), "nested more than 32 levels"),
  jobText("100,000 levels of lists", 400, "[".repeat(100_000), "body"),
  jobText("100,000 levels of objects", 400, '{"a":'.repeat(100_000), "body"),
  jobText(
    "100,000 names",
    400,
    `{${Array.from({ length: 80_000 }, (_, i) => `"k${i}":1`).join(",")}}`,
    "more than 10000 values",
  ),
  jobText("a list of 500,000 items", 400, `{"command":[${"1,".repeat(500_000)}1]}`, "body"),
  jobText("half a million backslashes", 400, `"${"\\".repeat(500_000)}`, "body"),
  ...["__proto__", "\\u005f_proto__"].map((name) =>
    jobText(`the name ${name}`, 400, `{"${name}":{"polluted":true},"name":"x"}`, "body: __proto__ is not a name"),
  ),
  jobText("__proto__ further in", 400, '{"environment":{"__proto__":{"polluted":"yes"}}}', "__proto__"),
  job("the field constructor", 400, { constructor: { prototype: { polluted: true } } }, "constructor"),
  job("the field toString", 400, { toString: "x" }, "toString"),
  job("labels named like members of objects", 201, { labels: { constructor: "x", toString: "y" } }),
  job("a field that does not exist", 400, { gpus: 1 }, "gpus"),
  job("a field without a name", 400, { "": 1 }, 'body: "" is not a known field'),
  job("a field that is named in Greek", 400, { Ωmega: 1 }, "body: \\u03a9mega is not a known field"),
  job("a field that is named by a picture", 400, { "🚀": 1 }, "body: \\u{1f680} is not a known field"),
  job("a field with a very long name", 400, { ["x".repeat(500)]: 1 }, "x".repeat(63)),
  ...["privileged", "cap_add", "network_mode", "devices", "security_opt", "runtime", "pid", "sysctls"].map((field) =>
    job(`the field ${field}`, 400, { [field]: true }, field),
  ),
  job("volumes that are no list", 400, { volumes: 1 }, "volumes"),
  tenant("the field cost_per_gpu_hour, which is not supported yet", 400, { cost_per_gpu_hour: 1 }, "cost_per_gpu_hour"),
  tenant("a tenant's field that does not exist", 400, { max_gpu: 1 }, "max_gpu"),
  tenant("a tenant's id chosen by the client", 400, { id: "tenant-1" }, "id"),
  ...["tenant_id", "name", "gpu_count"].map((field) => job(`${field} left out`, 400, { [field]: undefined }, field)),
];

/** Literals that no number field may take, and whether a field from 0 up to less than 2^31 is all they need. */
const NUMBER_LITERALS: readonly string[] = [
  "-1",
  "1.5",
  "1e309",
  "-1e309",
  "1e-7",
  "2147483648",
  "9007199254740992",
  "9007199254740993",
  "9223372036854775808",
  "18446744073709551616",
  '"8"',
  "true",
  "null",
  "[]",
  "{}",
];

function numberRows(
  target: string,
  good: Json,
  fields: Readonly<Record<string, Json>>,
  literals: readonly string[],
): BadInputRow[] {
  return Object.entries(fields).flatMap(([field, also]) =>
    literals.map((literal) => {
      const others = JSON.stringify({ ...good, ...also, [field]: undefined }).slice(0, -1);
      const headers = { "Content-Type": "application/json" };
      const body = `${others},"${field}":${literal}}`;
      return request(`${field}: ${literal}`, 400, { method: "POST", target, headers, body }, { field });
    }),
  );
}

const gang = { gang_scheduling: true };
const numbers: readonly BadInputRow[] = [
  ...numberRows(
    "/api/v1/jobs",
    goodJob,
    {
      priority: {},
      gpu_count: {},
      gpu_memory_mb: {},
      cpu_cores: {},
      memory_mb: {},
      shm_size_mb: {},
      gpus_per_node: gang,
      max_runtime_minutes: {},
      max_retries: {},
      preemption_grace_seconds: {},
      gpu_milli: {},
    },
    NUMBER_LITERALS,
  ),
  ...numberRows(
    "/api/v1/jobs",
    goodJob,
    { cpu_cores: {}, memory_mb: {}, gpus_per_node: gang, max_runtime_minutes: {}, gpu_milli: {} },
    ["0", "-0"],
  ),
  ...numberRows(
    "/api/v1/tenants",
    goodTenant,
    { max_gpus: {}, max_cpu_cores: {}, max_concurrent_jobs: {}, max_queued_jobs: {}, budget_window_days: {} },
    NUMBER_LITERALS,
  ),
  ...numberRows(
    "/api/v1/tenants",
    goodTenant,
    { min_gpu_utilization: {}, gpu_idle_window_minutes: { min_gpu_utilization: 10 } },
    NUMBER_LITERALS,
  ),
  ...numberRows(
    "/api/v1/tenants",
    goodTenant,
    { max_gpu_memory_mb: {}, max_memory_mb: {} },
    NUMBER_LITERALS.filter((literal) => literal !== "2147483648"),
  ),
  ...numberRows(
    "/api/v1/tenants",
    goodTenant,
    { fair_share_weight: {}, gpu_hours_budget: {} },
    NUMBER_LITERALS.filter((literal) => !/^(1\.5|1e-7|2147483648)$/.test(literal)),
  ),
  ...["0", "-0", "0.0001", "1000.1"].map((literal) =>
    tenantText(
      `fair_share_weight: ${literal}`,
      400,
      `{"name":"t","fair_share_weight":${literal}}`,
      "fair_share_weight",
    ),
  ),
  tenant("a budget of more hours than there are", 400, { gpu_hours_budget: 1_000_000_001 }, "gpu_hours_budget"),
  ...[0, 3_651].map((days) =>
    tenant(`a window of ${days} days`, 400, { budget_window_days: days }, "budget_window_days"),
  ),
  tenant("more than all of a GPU", 400, { min_gpu_utilization: 101 }, "min_gpu_utilization"),
  ...[4, 10_081].map((minutes) =>
    tenant(`idle for ${minutes} minutes`, 400, { gpu_idle_window_minutes: minutes }, "gpu_idle_window_minutes"),
  ),
  job("priority above 10,000", 400, { priority: 10_001 }, "priority"),
  job("gpu_count above 4,096", 400, { gpu_count: 4_097 }, "gpu_count"),
  job("max_retries above 100", 400, { max_retries: 101 }, "max_retries"),
  job("a grace of more than an hour", 400, { preemption_grace_seconds: 3_601 }, "preemption_grace_seconds"),
  jobText("-0 GPUs", 201, JSON.stringify(goodJob).replace('"gpu_count":1', '"gpu_count":-0')),
  jobText("one GPU spelt 1e0", 201, JSON.stringify(goodJob).replace('"gpu_count":1', '"gpu_count":1e0')),
  job("gpus_per_node without a gang", 400, { gpus_per_node: 1 }, "gpus_per_node"),
  job("gpus_per_node that does not divide", 400, { ...gang, gpu_count: 4, gpus_per_node: 3 }, "gpus_per_node"),
  job("a gang without GPUs", 400, { ...gang, gpu_count: 0 }, "gang_scheduling"),
  ...['"yes"', "1", "null"].map((literal) =>
    jobText(`gang_scheduling: ${literal}`, 400, `{"gang_scheduling":${literal}}`, "gang_scheduling"),
  ),
  job("on_node_lost that does not exist", 400, { on_node_lost: "explode" }, "on_node_lost"),
  job("on_preempt that does not exist", 400, { on_preempt: "wait" }, "on_preempt"),
  tenant("a tier that does not exist", 400, { priority_tier: "urgent" }, "priority_tier"),
  tenant("a tier named like a member of objects", 400, { priority_tier: "constructor" }, "priority_tier"),
];

const DECEPTIVE_NAMES: Readonly<Record<string, string>> = {
  nothing: "",
  blanks: "  ",
  "257 characters": "x".repeat(257),
  "a NUL": "a\0b",
  "a newline": "a\nb",
  "an ANSI escape": "\u001b[31mred",
  "a C1 control": "a\u0085b",
  "a right-to-left override": "gpj.\u202eexe",
  "a bidirectional isolate": "a\u2066b",
  "an Arabic letter mark": "a\u061cb",
  "a line separator": "a\u2028b",
  "zero-width spaces": "\u200b\u200b",
  "a Hangul filler": "\u3164",
  "a Braille blank": "\u2800",
  "a word joiner between blanks": " \u2060 ",
};

const names: readonly BadInputRow[] = [
  ...Object.entries(DECEPTIVE_NAMES).flatMap(([what, name]) => [
    job(`a job's name of ${what}`, 400, { name }, "name"),
    tenant(`a tenant's name of ${what}`, 400, { name }, "name"),
    tenant(`an e-mail address of ${what}`, 400, { email: name }, "email"),
    tenant(`an organization of ${what}`, 400, { organization: name }, "organization"),
  ]),
  jobText("a job's name of half a character", 400, JSON.stringify(goodJob).replace('"odd-job"', '"\\ud800"'), "name"),
  ...["email", "organization"].map((field) =>
    tenant(`half a character as ${field}`, 400, { [field]: "\ud800" }, field),
  ),
  ...["..", "/", "-rf", "%2e%2e", "$(id)", "'; DROP TABLE jobs; --", "Ωmega", "аdmin", "🚀", "e\u0301", "\u00e9"].map(
    (name) => job(`a job named ${name}`, 201, { name }),
  ),
  ...["", "x".repeat(64), "..", "a/b", "-rf", "%2e%2e", "A", "a\0", "a\nb", "\u202ea", "__proto__", "тenant"].map(
    (id) => job(`tenant_id ${JSON.stringify(id).slice(0, 20)}`, 400, { tenant_id: id }, "tenant_id"),
  ),
  job("a label's name with a blank", 400, { labels: { "a b": "x" } }, "labels.a b"),
  job("a label's value that is a number", 400, { labels: { a: 1 } }, "labels.a"),
  job("65 labels", 400, { labels: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`l${i}`, ""])) }, "labels"),
  job("a selector that is a list", 400, { node_selector: ["zone"] }, "node_selector"),
];

const DIGEST = "0".repeat(64);
const images: readonly BadInputRow[] = [
  ...[
    "",
    "UPPER",
    "a b",
    "-v",
    "../x",
    "x:",
    "x:bad tag",
    `x:${"t".repeat(129)}`,
    "x@sha256:zz",
    `x@md5:${DIGEST}`,
    "http://169.254.169.254/x",
    "https://example.com/x",
    "169.254.169.254/latest",
    "127.0.0.1:5000/x",
    "10.0.0.1/x",
    "192.168.1.1:5000/x",
    "[::1]:5000/x",
    "localhost/x",
    "localhost:5000/x",
    "LOCALHOST/x",
    "LocalHost:5000/x",
    "Team.LOCALHOST/x",
    "2130706433:80/x",
    "0x7f.0.0.1/x",
    "x;id",
    "$(id)",
    "x\ny",
    "x\0",
    "/etc/passwd",
    "a//b",
    "x".repeat(513),
  ].map((image) => job(`image ${JSON.stringify(image).slice(0, 40)}`, 400, { image }, "image")),
  job("an image that is a number", 400, { image: 7 }, "image"),
  ...["|", " | ", "||"].map((gpu_model) => job(`gpu_model ${gpu_model}`, 400, { gpu_model }, "gpu_model")),
  job("an image at a host in capitals", 201, { image: "Registry.Example.com/team/app" }),
  job("an image with a digest", 201, { image: `registry.example.com:5000/team/app:v1@sha256:${DIGEST}` }),
];

const scripts: readonly BadInputRow[] = [
  job("a script of no bytes", 400, { script: "" }, "script"),
  job("a script of 64 KiB and one byte", 400, { script: "x".repeat(64 * KIB + 1) }, "script"),
  job("a script of 1 MiB and one byte", 413, { script: "x".repeat(KIB * KIB + 1) }),
  job("a script with a NUL", 400, { script: "echo a\0b" }, "script"),
  job("a script that is a list", 400, { script: ["echo"] }, "script"),
  jobText("a script with half a character", 400, '{"script":"\\udfff"}', "script"),
  job("a script with CRLF", 201, { script: "#!/bin/sh\r\ntrue\r\n" }),
  job("a script that tries to break out of quotes", 201, { script: "'; rm -rf /nowhere #" }),
  job("a script with typographic quotes", 201, { script: "echo “hello”" }),
  job("a command that is a string", 400, { command: "python train.py" }, "command"),
  job("a command with a number", 400, { command: ["sleep", 1] }, "command[1]"),
  job("a command with a NUL", 400, { command: ["a\0"] }, "command[0]"),
  job("a command of nothing", 400, { command: [] }, "command"),
  job("a command that starts with nothing", 400, { command: [""] }, "command"),
  job("1,025 arguments", 400, { args: Array<string>(1_025).fill("x") }, "args"),
  job("arguments of more than 64 KiB in all", 400, { args: Array<string>(70).fill("x".repeat(KIB)) }, "args"),
];

const environments: readonly BadInputRow[] = [
  ...["A=B", "A B", "", "1A", "a-b", "Ä", "A\0", "A\n"].map((name) =>
    job(`a variable named ${JSON.stringify(name)}`, 400, { environment: { [name]: "x" } }, "environment"),
  ),
  ...["LD_PRELOAD", "NVIDIA_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES", "GPUSCHED_JOB_ID", "DOCKER_HOST"].map((name) =>
    job(`the variable ${name}`, 400, { environment: { [name]: "x" } }, `environment.${name}`),
  ),
  job("a variable with a NUL", 400, { environment: { A: "x\0y" } }, "environment.A"),
  job("a variable that is a number", 400, { environment: { A: 1 } }, "environment.A"),
  job("a variable of more than 32 KiB", 400, { environment: { A: "x".repeat(32 * KIB + 1) } }, "environment.A"),
  job(
    "variables of more than 64 KiB in all",
    400,
    { environment: { A: "x".repeat(30 * KIB), B: "x".repeat(30 * KIB), C: "x".repeat(5 * KIB) } },
    "environment",
  ),
  job(
    "257 variables",
    400,
    { environment: Object.fromEntries(Array.from({ length: 257 }, (_, i) => [`V${i}`, ""])) },
    "environment",
  ),
  job("10,000 variables", 400, {
    environment: Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`V${i}`, ""])),
  }),
  job("an environment that is a list", 400, { environment: ["A=B"] }, "environment"),
  job("a variable named like a member of objects", 201, { environment: { constructor: "x", hasOwnProperty: "y" } }),
];

export const fieldRows: readonly BadInputRow[] = [
  ...shapes,
  ...numbers,
  ...names,
  ...images,
  ...scripts,
  ...environments,
];
