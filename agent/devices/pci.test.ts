import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { normalPciAddress, numaNodeOf, samePciAddress } from "./pci.ts";

test.each([
  ["0000:18:00", "00000000:18:00.0"],
  ["00000000:18:00.0", "00000000:18:00.0"],
  ["18:00.0", "00000000:18:00.0"],
  ["10018:b3:0b.1", "00010018:B3:0B.1"],
  ["[N/A]", undefined],
  ["", undefined],
])("%j is the place %j", (text, place) => {
  expect(normalPciAddress(text)).toBe(place);
});

test("places that are not known are never the same", () => {
  expect(samePciAddress("0000:18:00", "00000000:18:00.0")).toBe(true);
  expect(samePciAddress("", "")).toBe(false);
});

test("the node of memory is the kernel's, and none where there is only one", async () => {
  const sysfs = await mkdtemp(join(tmpdir(), "sysfs-"));
  try {
    const node = async (name: string, text: string) => {
      await mkdir(join(sysfs, "bus/pci/devices", name), { recursive: true });
      await writeFile(join(sysfs, "bus/pci/devices", name, "numa_node"), text);
    };
    await node("0000:18:00.0", "1\n");
    await node("0000:19:00.0", "-1\n");
    await node("10018:01:00.0", "0\n");
    const places = ["00000000:18:00.0", "00000000:19:00.0", "00000000:1A:00.0", "00010018:01:00.0", ""];
    expect(await Promise.all(places.map((place) => numaNodeOf(place, sysfs)))).toEqual([
      1,
      undefined,
      undefined,
      0,
      undefined,
    ]);
  } finally {
    await rm(sysfs, { recursive: true, force: true });
  }
});
