import { expect, test } from "vitest";
import { EngineError, type ExecutedProgram } from "./engine-client.ts";
import { allowsGpus, InsideView } from "./inside-view.ts";

const SEES = "GPU 0: NVIDIA H200 (UUID: GPU-1)\r\n";
const LOST = "Failed to initialize NVML: Unknown Error\r\n";

/** An engine with one container that runs, as this process, and answers so. */
function viewOf(answer: () => Promise<ExecutedProgram>, state = { Running: true, Paused: false, Pid: process.pid }) {
  const asked: string[][] = [];
  const view = new InsideView({
    inspect: async () => ({ Id: "c", State: state }) as never,
    execute: async (_, argv) => {
      asked.push([...argv]);
      return await answer();
    },
  });
  return { view, asked };
}

test.each<[string, number | undefined, string, boolean | undefined]>([
  ["lists its devices", 0, SEES, true],
  ["may not open them any more", 255, LOST, false],
  ["has no such program", 127, "OCI runtime exec failed: exec: nvidia-smi: not found", undefined],
  ["has a driver that fails otherwise", 9, "No devices were found", undefined],
  ["has an exit code that is not known", undefined, SEES, undefined],
])("a container that %s", async (_, exitCode, output, expected) => {
  const { view, asked } = viewOf(async () => ({ exitCode, output }));
  expect(await view.seesDevices("c", true)).toBe(expected);
  expect(asked).toEqual([["nvidia-smi", "-L"]]);
});

test("nothing is run inside unless it may be, or while the container does not run", async () => {
  const { view, asked } = viewOf(async () => ({ exitCode: 0, output: SEES }));
  expect(await view.seesDevices("c", false)).toBeUndefined();
  const paused = viewOf(async () => ({ exitCode: 0, output: SEES }), { Running: true, Paused: true, Pid: 1 });
  expect(await paused.view.seesDevices("c", true)).toBeUndefined();
  expect([...asked, ...paused.asked]).toEqual([]);
});

test("an engine that refuses is not taken for a lost device", async () => {
  const { view } = viewOf(() => Promise.reject(new EngineError("it is gone", 409, undefined)));
  await expect(view.seesDevices("c", true)).rejects.toThrow("it is gone");
});

test.each([
  ["c 1:3 rwm\nc 195:* rw\n", true],
  ["c 195:0 rw", true],
  ["c 226:128 rw", true],
  ["a *:* rwm", true],
  ["c 1:3 rwm\nc 136:* rwm", false],
  ["c 195:* m", false],
  ["b 195:* rw", false],
  ["", false],
])("a control group with %j: %s", (list, expected) => expect(allowsGpus(list)).toBe(expected));
