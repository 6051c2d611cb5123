import { expect, test } from "vitest";
import { exitMessage, stateOf } from "./container-state.ts";
import type { ContainerDetails } from "./engine-client.ts";

const NEVER = "0001-01-01T00:00:00Z";
const STARTED = "2026-01-02T03:04:05.123456789Z";
const FINISHED = "2026-01-02T03:04:06Z";
const NOW_MS = Date.parse("2026-01-02T04:00:00Z");

function observe(
  state: Partial<ContainerDetails["State"]>,
  given: { sawOutOfMemory?: boolean; earlier?: boolean } = {},
) {
  const details = {
    HostConfig: { Memory: 64 * 1024 * 1024 },
    State: {
      Status: "exited",
      Running: false,
      Paused: false,
      Restarting: false,
      OOMKilled: false,
      ExitCode: 0,
      StartedAt: STARTED,
      FinishedAt: FINISHED,
      ...state,
    },
  } as ContainerDetails;
  const isFromEarlierBoot = given.earlier ?? false;
  return stateOf(
    { details, isStopping: false, sawOutOfMemory: given.sawOutOfMemory ?? false, isFromEarlierBoot },
    NOW_MS,
  );
}

test("a container that was never started is starting", () => {
  expect(observe({ Status: "created", StartedAt: NEVER, FinishedAt: NEVER })).toMatchObject({ phase: "starting" });
});

test("a running or paused container is running since its start", () => {
  const startedAtMs = Date.parse(STARTED);
  expect(observe({ Running: true, FinishedAt: NEVER })).toEqual({ phase: "running", startedAtMs, stopping: false });
  expect(observe({ Running: true, Paused: true })).toEqual({ phase: "running", startedAtMs, stopping: false });
});

test("an end before the start, which Docker gives for instant commands, is put at the start", () => {
  const state = observe({ FinishedAt: "2026-01-02T03:04:05.122Z" });
  expect(state).toMatchObject({ startedAtMs: Date.parse(STARTED), endedAtMs: Date.parse(STARTED) });
});

test("running out of memory is told whatever the exit code is, and from either source", () => {
  const end = { kind: "exited", outOfMemory: true, message: "out of memory (limit 64 MB)" };
  expect(observe({ OOMKilled: true, ExitCode: 0 })).toMatchObject({ end: { ...end, exitCode: 0 } });
  expect(observe({ ExitCode: 137 }, { sawOutOfMemory: true })).toMatchObject({ end: { ...end, exitCode: 137 } });
});

test("no signal is claimed, since a command may end with such a code itself", () => {
  expect(observe({ ExitCode: 143 })).toMatchObject({ end: { signal: undefined, exitCode: 143, outOfMemory: false } });
});

test("a killed container that is being removed was removed", () => {
  const removed = { end: { kind: "node", message: "its container was removed" } };
  expect(observe({ Status: "removing", ExitCode: 137 })).toMatchObject(removed);
  expect(observe({ Status: "removing", ExitCode: 3 })).toMatchObject({ end: { kind: "exited", exitCode: 3 } });
});

test("what a reboot of the host cut short is the node's loss, not the job's failure", () => {
  const lost = { end: { kind: "node", message: "the node was rebooted" } };
  expect(observe({ ExitCode: 255 }, { earlier: true })).toMatchObject(lost);
  expect(observe({ ExitCode: 0, FinishedAt: NEVER }, { earlier: true })).toMatchObject(lost);
  expect(observe({ ExitCode: 3 }, { earlier: true })).toMatchObject({ end: { kind: "exited", exitCode: 3 } });
  expect(observe({ ExitCode: 255 })).toMatchObject({ end: { kind: "exited", exitCode: 255 } });
});

test("exit codes above 128 name the signal that they may stand for", () => {
  expect([0, 7, 128, 137, 139, 143, 255].map(exitMessage)).toEqual([
    "",
    "",
    "",
    "128 + SIGKILL",
    "128 + SIGSEGV",
    "128 + SIGTERM",
    "Docker says this too when it has lost the true one",
  ]);
});
