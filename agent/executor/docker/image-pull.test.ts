import { expect, test } from "vitest";
import { PullError, type PullLine, PullProgress, pullImage } from "./image-pull.ts";

const line = (id: string, status: string, current?: number, total?: number): PullLine =>
  current === undefined || total === undefined ? { id, status } : { id, status, progressDetail: { current, total } };

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
  const pull = pullImage(engine, "x", (percent) => told.push(percent), AbortSignal.timeout(10_000));
  await expect(pull).rejects.toThrow(new PullError("manifest unknown"));
  expect(told).toEqual([12]);
});
