import { appendFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { present } from "../../base/assert.ts";
import { KernelLog } from "./kernel-log.ts";

let dir: string;
let path: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "kernel-log-"));
  path = join(dir, "kmsg");
});

afterEach(() => rm(dir, { recursive: true, force: true }));

test("tells what is said after it was opened, once, with what a record has beside its message left out", async () => {
  await writeFile(path, "6,1,100,-;NVRM: Xid (PCI:0000:18:00): 31, before\n");
  const log = present(KernelLog.open(path).log, "the log");
  try {
    expect(log.read()).toEqual([]);
    await appendFile(
      path,
      "3,2,200,-;NVRM: Xid (PCI:0000:18:00): 48, pid=1\n SUBSYSTEM=pci\n DEVICE=NVRM: Xid (PCI:0000:19:00): 1\n",
    );
    await appendFile(path, "6,3,300,-;NVRM: Xid (PCI:0000:18:00): 13, in two pie");
    expect(log.read()).toMatchObject([{ pciBusId: "00000000:18:00.0", xid: 48, deviceId: undefined }]);
    await appendFile(path, "ces\n");
    expect(log.read()).toMatchObject([{ xid: 13, message: "NVRM: Xid (PCI:0000:18:00): 13, in two pieces" }]);
    expect(log.read()).toEqual([]);
  } finally {
    log.close();
  }
});

test("a GPU that fell off the bus fell once, however often and in whatever words the kernel says so", async () => {
  await writeFile(path, "");
  const log = present(KernelLog.open(path).log, "the log");
  try {
    await appendFile(
      path,
      [
        "3,1,1,-;NVRM: Xid (PCI:0000:18:00): 79, pid=1122, GPU has fallen off the bus.",
        "3,2,2,-;NVRM: GPU 0000:18:00.0: GPU has fallen off the bus.",
        "3,3,3,-;NVRM: The NVIDIA GPU 0000:b3:00.0\\x0aNVRM: (PCI ID: 10de:26b5) installed in this system has\\x0aNVRM: fallen off the bus and is not responding to commands.",
        "3,4,4,-;NVRM: Xid (PCI:0000:18:00): 154, GPU recovery action changed from 0x0 (None) to 0x2 (Node Reboot Required)\n",
      ].join("\n"),
    );
    expect(log.read().map(({ pciBusId, xid }) => [pciBusId, xid])).toEqual([
      ["00000000:18:00.0", 79],
      ["00000000:B3:00.0", 79],
      ["00000000:18:00.0", 154],
    ]);
  } finally {
    log.close();
  }
});

test("once it is closed it tells nothing, and closing it again does nothing", async () => {
  await writeFile(path, "");
  const log = present(KernelLog.open(path).log, "the log");
  log.close();
  log.close();
  await appendFile(path, "3,2,200,-;NVRM: Xid (PCI:0000:18:00): 48, pid=1\n");
  expect(log.read()).toEqual([]);
});

test("a log that may not be read says why", () => {
  expect(KernelLog.open(join(dir, "nowhere"))).toMatchObject({
    log: undefined,
    why: expect.stringContaining("ENOENT"),
  });
});
