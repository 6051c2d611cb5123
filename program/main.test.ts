import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { packageRoot, version } from "../base/version.ts";

const directory = mkdtempSync(join(tmpdir(), "gpusched-main-"));
afterAll(() => rmSync(directory, { recursive: true }));

interface Outcome {
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

function gpusched(args: readonly string[], environment: Record<string, string> = {}): Promise<Outcome> {
  const options = {
    cwd: directory,
    env: { PATH: process.env["PATH"], ...environment },
    timeout: 15_000,
    killSignal: "SIGKILL",
  } as const;
  return new Promise((resolve) => {
    execFile(join(packageRoot, "bin/gpusched"), args, options, (error, stdout, stderr) => {
      resolve({ code: error?.code ?? 0, stdout, stderr });
    });
  });
}

test("--version prints the version", async () => {
  expect(await gpusched(["--version"])).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
});

test("the help names every role, and each role's help its options", async () => {
  const { code, stdout } = await gpusched([]);
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /^ {2}dev .*^ {2}controller .*^ {2}gateway .*^ {2}agent .*^ {2}replay .*^ {2}policies .*^ {2}policy-diff /ms,
  );
  const help = await gpusched(["dev", "--help"]);
  expect(help.code).toBe(0);
  expect(help.stdout).toMatch(/--http-port PORT +.* \(default 8080\)/);
});

describe("wrong usage ends with code 2 and a sentence:", () => {
  test.each([
    [["agnet"], 'gpusched: unknown command "agnet"; did you mean agent?'],
    [["dev", "--http-port", "abc"], 'gpusched: --http-port must be a port from 0 to 65535, not "abc"'],
    [["dev", "--htp-port", "1"], "gpusched: unknown option --htp-port; did you mean --http-port?"],
    [
      ["controller", "--etcd", "http://h"],
      "gpusched: --etcd must be a list separated by commas, each an address such as",
    ],
    [["controller", "--etcd", "https://h:2379"], "gpusched: --etcd-ca is needed with https://"],
    [["dev", "--metrics-listen", "1.2.3.4:1"], "gpusched: --metrics-listen is not supported yet by this version"],
    [["gateway", "--jwt-issuer", "me"], "gpusched: --jwt-issuer is not supported yet by this version"],
    [["agent", "--allow-volume", "/etc"], "gpusched: --allow-volume must be a list separated by commas, each an abso"],
    [
      ["agent", "--container-policy", "/nowhere.yaml"],
      "gpusched: the policy file /nowhere.yaml cannot be read: ENOENT",
    ],
    [["replay"], "gpusched: a FILE is needed: the journal of a controller"],
    [["replay", "--policy", "fifo"], "gpusched: unknown option --policy"],
    [["policy-diff"], "gpusched: one FILE is needed: the journal of a controller"],
    [["policy-diff", "x", "--policy", "fido"], 'gpusched: there is no policy "fido"; did you mean fifo?'],
    [["policy-diff", "x", "--polcy", "fifo"], "gpusched: Unknown option '--polcy'"],
    [["policies", "fido"], 'gpusched: there is no policy "fido"; did you mean fifo?'],
    [["controller", "--policy", "fido"], 'gpusched: there is no policy "fido"; did you mean fifo?'],
    [["dev", "--policies", "/nowhere.yaml"], "gpusched: the policies file /nowhere.yaml cannot be read: ENOENT"],
    [["agent", "--simulate-gpus", "many"], "gpusched: --simulate-gpus must be a number of GPUs"],
  ])("%j", async (args, message) => {
    const { code, stdout, stderr } = await gpusched(args);
    expect(stderr).toContain(message);
    expect(stdout).toBe("");
    expect(code).toBe(2);
  });
});

test("a journal that cannot be used ends with code 65 and a sentence", async () => {
  const path = join(directory, "foreign");
  writeFileSync(path, "hello\n");
  const foreign = await gpusched(["replay", path]);
  expect(foreign).toMatchObject({ code: 65, stdout: "unusable: this is not a journal of gpusched\n", stderr: "" });
  const missing = await gpusched(["replay", "nowhere"]);
  expect(missing.stdout).toMatch(/^unusable: cannot read nowhere: ENOENT/);
  expect(missing.code).toBe(65);
  const compared = await gpusched(["policy-diff", path]);
  expect(compared).toEqual({ code: 65, stdout: "", stderr: "unusable: this is not a journal of gpusched\n" });
});

describe("listening beyond this host is refused with code 78, and nothing is started:", () => {
  test.each([
    ["dev", "--host", "0.0.0.0"],
    ["dev", "--host", "::"],
    ["gateway", "--listen", "0.0.0.0:0"],
    ["gateway", "--listen", "[::]:0"],
    ["controller", "--listen", "0.0.0.0:0"],
    ["controller", "--listen", "example.org:0"],
  ])("%s %s %s", async (...args) => {
    const { code, stdout, stderr } = await gpusched(args);
    expect(stderr).toMatch(/refusing to serve .* can run any program on every node\. .*--insecure/);
    expect(stdout).toBe("");
    expect(code).toBe(78);
  });
});

describe("a data directory that cannot be used ends the start with code 1 and a sentence:", () => {
  test.each([
    [["controller", "--listen", "127.0.0.1:0", "--data-dir", "/proc/x"], "/proc/x", "no directory can be made there"],
    [["agent", "--executor", "process", "--data-dir", "/proc/x"], "/proc/x", "no directory can be made there"],
    [["dev", "--http-port", "0", "--grpc-port", "0", "--data-dir", "/proc/x"], "/proc/x", "no directory can be made"],
    [["dev", "--http-port", "0", "--grpc-port", "0", "--data-dir", "/etc/passwd"], "/etc/passwd", "it is a file"],
    [["controller", "--listen", "127.0.0.1:0", "--data-dir", "/etc/passwd/x"], "/etc/passwd/x", "a part of its path"],
  ])("%j", async (args, path, why) => {
    const { code, stderr } = await gpusched(args);
    expect(stderr).toContain(`${args[0]} cannot start: cannot use ${path} as the data directory: ${why}`);
    expect(stderr).not.toMatch(/Error:|ENO[A-Z]+/);
    expect(code).toBe(1);
  });
});
