import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { silentLogger } from "../../base/logger.ts";
import { ServiceStack } from "../../base/service.ts";
import type { DeviceEvent } from "./device-source.ts";
import { JournalLog } from "./journal-log.ts";

const XID = "NVRM: Xid (PCI:0000:3b:00): 48, pid=1, name=train, DBE";

let services: ServiceStack;
let directory: string;
beforeEach(async () => {
  services = new ServiceStack();
  directory = await mkdtemp(join(tmpdir(), "gpusched-journal-"));
  services.add({ close: () => rm(directory, { recursive: true }) });
});
afterEach(() => services.close());

/** A journalctl that notes its start, and then does that. */
async function journal(script: string): Promise<JournalLog> {
  const program = join(directory, "journalctl");
  await writeFile(program, `#!/bin/sh\necho "$$ $*" >> ${directory}/starts\n${script}\n`);
  await chmod(program, 0o755);
  return services.add(new JournalLog({ log: silentLogger, program, firstPauseMs: 1 }));
}

async function starts(): Promise<readonly string[]> {
  const text = await readFile(join(directory, "starts"), "utf8").catch(() => "");
  return text.split("\n").filter((line) => line !== "");
}

test("a fault in the journal is told once, whatever else is said", async () => {
  const log = await journal(`echo 'usb 1-1: new device'; echo '${XID}'; exec tail -f /dev/null`);
  const told: DeviceEvent[] = [];
  await vi.waitFor(() => {
    told.push(...log.read());
    expect(told).toHaveLength(1);
  });
  expect(told).toMatchObject([{ deviceId: undefined, xid: 48, pciBusId: expect.stringContaining("3B:00") }]);
  expect(log.read()).toEqual([]);
  expect((await starts())[0]).toContain("--dmesg --follow --lines=0");
});

test("a reader that ends is started anew, and goes on", async () => {
  const log = await journal(
    `[ "$(wc -l < ${directory}/starts)" -ge 3 ] || exit 1\necho '${XID}'; exec tail -f /dev/null`,
  );
  await vi.waitFor(() => expect(log.read()).toHaveLength(1), { timeout: 10_000 });
  expect(await starts()).toHaveLength(3);
});

test("closing ends the reader", async () => {
  const log = await journal("exec tail -f /dev/null");
  await vi.waitFor(async () => expect(await starts()).toHaveLength(1));
  const [pid = ""] = ((await starts())[0] ?? "").split(" ");
  await log.close();
  expect(() => process.kill(Number(pid), 0)).toThrow("ESRCH");
});

test("where there is no journal nothing is told, and nothing is tried again", async () => {
  const log = services.add(new JournalLog({ log: silentLogger, program: join(directory, "nothing") }));
  expect(log.read()).toEqual([]);
  await log.close();
});
