import { expect, test } from "vitest";
import { EngineError } from "./engine-client.ts";
import { initFailure, startFailure } from "./failures.ts";

const RUNC =
  "failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process:";

const STARTS: [number, string, string, string][] = [
  [400, `${RUNC} exec: "nope": executable file not found in $PATH: unknown`, "bad-request", "in the image: nope"],
  [400, `${RUNC} exec: "/x": stat /x: no such file or directory: unknown`, "bad-request", "in the image: /x"],
  [500, `${RUNC} exec: "/etc": permission denied: unknown`, "bad-request", "command cannot be executed: /etc"],
  [400, `${RUNC} exec /a: exec format error: unknown`, "bad-request", "not made for this kind of machine: /a"],
  [400, "Unknown runtime specified gvisor", "node", "Docker has no runtime gvisor"],
  [400, "unknown or invalid runtime name: gvisor", "node", "Docker has no runtime gvisor"],
  [500, 'could not select device driver "nvidia" with capabilities: [[gpu]]', "node", "Docker cannot grant GPUs"],
  [400, "OCI runtime create failed: fork/exec /r: no such file or directory: unknown", "node", "runtime is missing"],
  [400, "No command specified", "bad-request", "no command given, and the image has none"],
  [400, "invalid environment variable: =x", "bad-request", "Docker refused it: invalid environment variable: =x"],
  [400, `${RUNC} nvidia-container-cli: device error: GPU-1: unknown device`, "node", "unknown device"],
  [500, "no space left on device", "node", "Docker could not start it: no space left on device"],
];

test.each(STARTS)("a start that fails with %i %j is told as %s", (status, text, kind, message) => {
  const found = startFailure(new EngineError(text, status, undefined), "/a");
  expect(found).toEqual({ kind, message: expect.stringContaining(message) });
});

test("an engine that does not answer is the node's fault, in its own words", () => {
  const silent = new EngineError(
    "Docker does not answer at /run/docker.sock: nothing listens there",
    undefined,
    undefined,
  );
  expect(startFailure(silent, "x")).toEqual({ kind: "node", message: silent.message });
});

test("a very long message of Docker is cut", () => {
  expect(startFailure(new EngineError("x".repeat(10_000), 500, undefined), undefined).message.length).toBeLessThan(400);
});

test("what Docker's init says of a command is found in the output, and nothing else is", () => {
  const missing = "log line\n[FATAL tini (7)] exec train.sh failed: No such file or directory\n";
  expect(initFailure(missing)).toEqual({ kind: "bad-request", message: "command not found in the image: train.sh" });
  const denied = "[FATAL tini (8)] exec /etc failed: Permission denied\n";
  expect(initFailure(denied)).toEqual({ kind: "bad-request", message: "command cannot be executed: /etc" });
  expect(initFailure("sh: nope: not found\n")).toBeUndefined();
});
