import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { silentLogger } from "../../../../base/logger.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../../../base/time.ts";
import { ImageCleaner } from "./image-cleaner.ts";
import { ImageRecords } from "./image-records.ts";

const NOW_MS = 1_000 * DAY_MS;

interface World {
  /** What the engine has, by name. */
  readonly images: Map<string, string>;
  readonly inUse?: readonly string[];
  /** Ids that it refuses to remove, though no container has been seen with them. */
  readonly refused?: readonly string[];
  readonly wanted?: readonly string[];
  /** Room is lacking as long as so many are left. */
  readonly tooMany?: number;
}

function dataDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "gpusched-images-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return directory;
}

async function clean(world: World, unusedMs: Readonly<Record<string, number>>) {
  const dataDir = dataDirectory();
  const records = await ImageRecords.open(dataDir, silentLogger);
  for (const [name, ms] of Object.entries(unusedMs)) {
    await records.add({ name, id: `id-of-${name}`, usedAtMs: NOW_MS - ms });
  }
  const { images, inUse = [], refused = [], wanted = [], tooMany = Number.POSITIVE_INFINITY } = world;
  const cleaner = new ImageCleaner({
    engine: {
      imageId: async (name) => images.get(name),
      imagesInUse: async () => new Set(inUse),
      removeImage: async (name) => {
        if (refused.includes(name)) return "in-use";
        return images.delete(name) ? "removed" : "missing";
      },
    },
    records,
    keepForMs: 14 * DAY_MS,
    log: silentLogger,
    isWanted: (name) => wanted.includes(name),
    needsRoom: async () => images.size >= tooMany,
    nowMs: () => NOW_MS,
  });
  await cleaner.clean();
  const remembered = (await ImageRecords.open(dataDir, silentLogger)).all();
  return { left: [...images.keys()].sort(), remembered };
}

const having = (...names: string[]): Map<string, string> => new Map(names.map((name) => [name, `id-of-${name}`]));
const names = (records: readonly { readonly name: string }[]): string[] => records.map(({ name }) => name).sort();

test("images that were unused for too long go, younger ones stay while there is room", async () => {
  const { left, remembered } = await clean(
    { images: having("old", "young", "theirs") },
    { old: 15 * DAY_MS, young: DAY_MS },
  );
  expect(left).toEqual(["theirs", "young"]);
  expect(names(remembered)).toEqual(["young"]);
});

test("without room the longest unused go first, and no more than needed", async () => {
  const unused = { a: HOUR_MS, b: 3 * HOUR_MS, c: 2 * HOUR_MS };
  expect((await clean({ images: having("a", "b", "c", "theirs"), tooMany: 3 }, unused)).left).toEqual(["a", "theirs"]);
});

test("what was used a moment ago stays, even without any room", async () => {
  const { left } = await clean({ images: having("a"), tooMany: 0 }, { a: MINUTE_MS });
  expect(left).toEqual(["a"]);
});

test("what a container has, what a launch wants and what the engine refuses stays, and counts as used", async () => {
  const unused = { a: 20 * DAY_MS, b: 20 * DAY_MS, c: 20 * DAY_MS };
  const world = { images: having("a", "b", "c"), inUse: ["id-of-a"], wanted: ["b"], refused: ["c"], tooMany: 0 };
  const { left, remembered } = await clean(world, unused);
  expect(left).toEqual(["a", "b", "c"]);
  expect(remembered.map(({ usedAtMs }) => usedAtMs)).toEqual([NOW_MS, NOW_MS, NOW_MS]);
});

test("a name that stands for another image by now is not this agent's any more", async () => {
  const { left, remembered } = await clean({ images: new Map([["a", "another"]]), tooMany: 0 }, { a: 20 * DAY_MS });
  expect(left).toEqual(["a"]);
  expect(remembered).toEqual([]);
});

test("a round removes only so many", async () => {
  const all = Array.from({ length: 30 }, (_, n) => `image-${n}`);
  const { left } = await clean({ images: having(...all) }, Object.fromEntries(all.map((name) => [name, 20 * DAY_MS])));
  expect(left).toHaveLength(10);
});

test("records that cannot be read are none", async () => {
  const dataDir = dataDirectory();
  for (const text of ["{", '{"images":7}', '{"images":[{"name":"a"},null]}', "null"]) {
    writeFileSync(join(dataDir, "images.json"), text);
    expect((await ImageRecords.open(dataDir, silentLogger)).all()).toEqual([]);
  }
});
