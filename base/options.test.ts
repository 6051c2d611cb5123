import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { address, duration, flag, integer, keyValues, list, oneOf, path, port, text } from "./option-kinds.ts";
import { describeOptions, type OptionTable, readOptions, UsageError } from "./options.ts";

const table = {
  httpPort: { kind: port, default: "8080", help: "the port" },
  wait: { kind: duration, default: "15s", help: "how long" },
  nodeName: { kind: text, help: "the name" },
  controllers: { kind: list(address), default: "127.0.0.1:9090", help: "the controllers" },
  executor: { kind: oneOf("docker", "process"), help: "what runs jobs" },
  rate: { kind: integer(1, 500), default: "100", help: "requests" },
  labels: { kind: keyValues, default: "", help: "labels" },
  insecure: { kind: flag, default: "false", help: "allow it" },
  dataDir: { kind: path, default: "./data", help: "where" },
} satisfies OptionTable;

const unsupported = { etcd: "", heartbeat: "set it elsewhere" };
const directory = mkdtempSync(join(tmpdir(), "gpusched-options-"));
afterAll(() => rmSync(directory, { recursive: true }));

function read(args: string[], environment: Record<string, string> = {}) {
  return readOptions(table, unsupported, { args, environment });
}

let files = 0;
function file(content: string): string {
  const name = join(directory, `${files++}.yaml`);
  writeFileSync(name, content);
  return name;
}

function refusal(args: string[], environment: Record<string, string> = {}): string {
  try {
    read(args, environment);
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  throw new Error("was not refused");
}

describe("values", () => {
  test("are the defaults, typed, where nothing is given", () => {
    expect(read([])).toEqual({
      httpPort: 8080,
      wait: 15_000,
      nodeName: undefined,
      controllers: ["127.0.0.1:9090"],
      executor: undefined,
      rate: 100,
      labels: {},
      insecure: false,
      dataDir: join(process.cwd(), "data"),
    });
  });

  test("may stand in a file that another role reads as well, whose options are passed over, and no others", () => {
    const config = (content: string) => ["--config", file(content)];
    const other = { controllers: table.controllers, dataDir: table.dataDir } satisfies OptionTable;
    const shared = (content: string) =>
      readOptions({ dataDir: table.dataDir }, {}, { args: config(content), environment: {} }, other);
    expect(shared("data-dir: /d\ncontrollers: a:1")).toEqual({ dataDir: "/d" });
    expect(() => shared("data-dir: /d\nrate: 3")).toThrow("unknown option rate");
  });

  test("come from the flag, else the environment, else the file", () => {
    const config = file("http-port: 1\nrate: 1\nwait: 1m\n");
    const environment = { GPUSCHED_HTTP_PORT: "2", GPUSCHED_RATE: "2", GPUSCHED_CONFIG: config };
    expect(read(["--http-port", "3"], environment)).toMatchObject({ httpPort: 3, rate: 2, wait: 60_000 });
  });

  test("come from the file that the flag names, not from the one that the environment names", () => {
    const environment = { GPUSCHED_CONFIG: file("rate: 1") };
    expect(read([`--config=${file("rate: 2")}`], environment).rate).toBe(2);
  });

  test("of lists may be separated by commas, repeated, or be a list in the file", () => {
    const three = ["a:1", "b:2", "[::1]:0"];
    expect(read(["--controllers", "a:1,b:2", "--controllers=[::1]:0"]).controllers).toEqual(three);
    expect(read(["--config", file('controllers: [a:1, b:2, "[::1]:0"]')]).controllers).toEqual(three);
  });

  test("of maps may be pairs, repeated, or a map in the file", () => {
    const labels = { zone: "a", rack: "7" };
    expect(read(["--labels", "zone=a", "--labels", "rack=7"]).labels).toEqual(labels);
    expect(read([], { GPUSCHED_LABELS: "zone=a,rack=7" }).labels).toEqual(labels);
    expect(read(["--config", file("labels: { zone: a, rack: 7 }")]).labels).toEqual(labels);
  });

  test("of flags are on when the flag stands alone, and can be switched off again", () => {
    expect(read(["--insecure"]).insecure).toBe(true);
    expect(read(["--insecure=false"], { GPUSCHED_INSECURE: "true" }).insecure).toBe(false);
    expect(read(["--config", file("insecure: true")]).insecure).toBe(true);
  });

  test("given twice are the last one", () => {
    expect(read(["--rate", "1", "--rate", "2"]).rate).toBe(2);
  });

  test("that are empty in the environment count as not given", () => {
    expect(read([], { GPUSCHED_RATE: "" }).rate).toBe(100);
  });

  test("of an empty file are the defaults", () => {
    expect(read(["--config", file("")]).rate).toBe(100);
  });
});

describe("a refusal says what is expected, and where:", () => {
  test.each([
    [["--http-port", "abc"], '--http-port must be a port from 0 to 65535, not "abc"'],
    [["--http-port", "65536"], '--http-port must be a port from 0 to 65535, not "65536"'],
    [["--http-port="], '--http-port must be a port from 0 to 65535, not ""'],
    [["--http-port"], "--http-port needs a value: a port from 0 to 65535"],
    [["--http-port", "--insecure"], "--http-port needs a value: a port from 0 to 65535"],
    [["--executor", "podman"], '--executor must be one of docker, process, not "podman"'],
    [["--rate", "0"], '--rate must be a whole number from 1 to 500, not "0"'],
    [["--rate", "1.5"], '--rate must be a whole number from 1 to 500, not "1.5"'],
    [["--wait", "0s"], '--wait must be a duration above zero, such as 500ms, 15s, 5m or 1h30m, not "0s"'],
    [["--insecure=constructor"], '--insecure must be true or false, not "constructor"'],
    [["--labels", "zone"], '--labels must be pairs such as zone=a,rack=7, not "zone"'],
    [["--htp-port", "1"], "unknown option --htp-port; did you mean --http-port?"],
    [["--zzzzzzzzzz"], "unknown option --zzzzzzzzzz"],
    [["--toString"], "unknown option --toString"],
    [["-p", "1"], "unknown option -p"],
    [["extra"], 'unexpected argument "extra"'],
    [["--etcd", "http://h:2379"], "--etcd is not supported yet by this version"],
    [["--heartbeat=5s"], "--heartbeat is not supported yet by this version: set it elsewhere"],
  ])("%j", (args, message) => {
    expect(refusal(args)).toBe(message);
  });

  test.each(["9090", "host:", ":9090", "host:65536", "[nonsense]:1", "::1:9090", "http://h:1"])(
    "the address %j",
    (value) => {
      expect(refusal(["--controllers", value])).toMatch(/^--controllers must be a list .* such as 127\.0\.0\.1:9090/);
    },
  );

  test("in the environment", () => {
    expect(refusal([], { GPUSCHED_HTTP_PORT: "x" })).toMatch(/^GPUSCHED_HTTP_PORT must be a port/);
    expect(refusal([], { GPUSCHED_ETCD: "x" })).toBe("GPUSCHED_ETCD is not supported yet by this version");
  });

  test("in the file", () => {
    const cases = [
      ["http-port: abc", /^http-port in \S+\.yaml must be a port from 0 to 65535, not "abc"$/],
      ["http-port:", /^http-port in \S+\.yaml must be a port from 0 to 65535$/],
      ["htp-port: 1", /^unknown option htp-port in \S+\.yaml; did you mean http-port\?$/],
      ["httpPort: 1", /did you mean http-port/],
      ["etcd: h", /^etcd in \S+\.yaml is not supported yet/],
      ["config: other.yaml", /^unknown option config in/],
      ["a: [", /^the configuration file \S+\.yaml is not YAML: .* line 1/],
      ["rate: 1\nrate: 2", /^the configuration file \S+\.yaml has rate twice, again in line 2$/],
      ["- a", /must have keys and values/],
      ["just text", /must have keys and values/],
    ] as const;
    for (const [content, message] of cases) expect(refusal(["--config", file(content)])).toMatch(message);
  });

  test("when the file cannot be read", () => {
    expect(refusal(["--config", join(directory, "missing.yaml")])).toMatch(
      /^the configuration file .*missing\.yaml cannot be read: ENOENT/,
    );
  });
});

test("the help has a line for every option, with its default", () => {
  const lines = describeOptions(table).split("\n");
  expect(lines).toHaveLength(Object.keys(table).length + 1);
  expect(lines[0]).toMatch(/^ {2}--http-port PORT +the port \(default 8080\)$/);
  expect(describeOptions(table)).toMatch(/--insecure +allow it$/m);
});
