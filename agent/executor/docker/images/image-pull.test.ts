import { expect, test } from "vitest";
import { PullError, type PullLine, PullProgress, PullStalledError, pullImage } from "./image-pull.ts";

const line = (id: string, status: string, current?: number, total?: number): PullLine =>
  current === undefined || total === undefined ? { id, status } : { id, status, progressDetail: { current, total } };

const options = { image: "x", auth: undefined, stallMs: 60_000, onProgress: () => undefined };
const soon = (): AbortSignal => AbortSignal.timeout(10_000);

function percents(lines: readonly PullLine[]): number[] {
  const progress = new PullProgress();
  return lines.map((it) => {
    progress.add(it);
    return progress.percent;
  });
}

test("a layer is half done when it is downloaded, and done when it is extracted", () => {
  expect(
    percents([
      { status: "Pulling from library/busybox", id: "latest" },
      line("a", "Pulling fs layer"),
      line("b", "Already exists"),
      line("a", "Downloading", 50, 100),
      line("a", "Download complete"),
      line("a", "Extracting", 50, 100),
      line("a", "Pull complete"),
    ]),
  ).toEqual([0, 0, 50, 62, 75, 87, 100]);
});

test("a download of unknown length does not go beyond its bounds", () => {
  expect(percents([line("a", "Downloading", 5, 0), line("a", "Downloading", 7, 5)])).toEqual([0, 50]);
});

test("only what comes counts as progress, not that Docker waits or tries again", () => {
  const progress = new PullProgress();
  const lines: [PullLine, boolean][] = [
    [{ status: "Pulling from a", id: "latest" }, true],
    [line("a", "Pulling fs layer"), true],
    [line("a", "Waiting"), false],
    [line("a", "Downloading", 5, 100), true],
    [line("a", "Downloading", 5, 100), false],
    [line("a", "Retrying in 5 seconds"), false],
    [line("a", "Retrying in 4 seconds"), false],
    [line("a", "Downloading", 3, 100), true],
    [line("a", "Download complete"), true],
    [line("a", "Extracting", 1, 100), true],
    [line("a", "Extracting", 2, 100), true],
    [{ status: "Digest: sha256:00" }, false],
  ];
  expect(lines.map(([it]) => progress.add(it))).toEqual(lines.map(([, counts]) => counts));
});

test("progress is told when it changes, and a failure within the answer is the pull's", async () => {
  const told: number[] = [];
  const engine = {
    pull: async () =>
      (async function* () {
        yield line("a", "Downloading", 1, 4);
        yield line("a", "Downloading", 1, 4);
        yield { error: "manifest unknown" };
      })(),
  };
  const pull = pullImage(engine, { ...options, onProgress: (it) => told.push(it), signal: soon() });
  await expect(pull).rejects.toThrow(new PullError("manifest unknown"));
  expect(told).toEqual([12]);
});

test("a pull that only says that it tries again is given up, and says for how long nothing came", async () => {
  const engine = {
    pull: async (_image: string, _auth: unknown, signal: AbortSignal) =>
      (async function* () {
        for (let left = 9; !signal.aborted; left += 1) {
          yield line("a", `Retrying in ${left} seconds`);
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
        throw new Error("aborted");
      })(),
  };
  const error = await pullImage(engine, { ...options, stallMs: 50, signal: soon() }).catch((it: unknown) => it);
  expect(error).toBeInstanceOf(PullStalledError);
  expect(String(error)).toContain("it did not come any further for 0s");
});
