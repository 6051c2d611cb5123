import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { systemClock } from "../../../base/clock.ts";
import { silentLogger } from "../../../base/logger.ts";
import type { EtcdClient } from "./etcd-client.ts";
import { EtcdError } from "./etcd-error.ts";
import { EtcdTenure } from "./tenure.ts";

const TTL_MS = 5_000;
/** TTL - 1 s. */
const RELIABLE_MS = 4_000;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Every renewal waits for the test's word. */
function begin(leaseTtlMs = TTL_MS) {
  const renewals: { answer: () => void; fail: (error: Error) => void }[] = [];
  const revoked: number[] = [];
  const client = {
    keepLeaseAlive: () => new Promise<void>((resolve, reject) => renewals.push({ answer: resolve, fail: reject })),
    revokeLease: async (id: number) => void revoked.push(id),
  } as unknown as EtcdClient;
  const lease = { id: 77, term: 9, sentAtMs: performance.now() };
  const tenure = new EtcdTenure({ client, clock: systemClock, log: silentLogger, leaseTtlMs }, lease);
  let lost: string | undefined;
  void tenure.lost.then((error) => {
    lost = `${error.code}: ${error.message}`;
  });
  return { tenure, renewals, revoked, lost: () => lost };
}

test("is renewed seven times in a lease's time, and lasts as long as that is acknowledged", async () => {
  const { tenure, renewals, lost } = begin();
  for (let n = 0; n < 100; n += 1) {
    await vi.advanceTimersByTimeAsync(TTL_MS / 7);
    renewals.at(-1)?.answer();
  }
  expect(renewals.length).toBeGreaterThanOrEqual(99);
  expect([tenure.isHeld(), lost()]).toEqual([true, undefined]);
  await tenure.close();
});

test("ends one second before the lease can have ended, counted from the sending of what was acknowledged last", async () => {
  const { tenure, renewals, lost } = begin();
  await vi.advanceTimersByTimeAsync(TTL_MS / 7);
  const sentAt = performance.now();
  // The answer takes two seconds: etcd may have counted from the moment of sending.
  await vi.advanceTimersByTimeAsync(2_000);
  renewals[0]?.answer();
  await vi.advanceTimersByTimeAsync(RELIABLE_MS - 2_000 - 50);
  expect(performance.now() - sentAt).toBeCloseTo(RELIABLE_MS - 50, -1);
  expect(tenure.isHeld()).toBe(true);
  await vi.advanceTimersByTimeAsync(60);
  expect(tenure.isHeld()).toBe(false);
  expect(lost()).toBe("fenced: term 9 is over: etcd has acknowledged no renewal for 4000 ms");
});

test("an old acknowledgement that comes late does not shorten it", async () => {
  const { tenure, renewals } = begin();
  await vi.advanceTimersByTimeAsync(TTL_MS / 7);
  await vi.advanceTimersByTimeAsync(1_500);
  renewals.at(-1)?.answer();
  await vi.advanceTimersByTimeAsync(0);
  renewals[0]?.answer();
  await vi.advanceTimersByTimeAsync(RELIABLE_MS - 200);
  expect(tenure.isHeld()).toBe(true);
  await tenure.close();
});

test("keeps a smaller margin where the lease is short", async () => {
  const { tenure } = begin(2_000);
  await vi.advanceTimersByTimeAsync(1_590);
  expect(tenure.isHeld()).toBe(true);
  await vi.advanceTimersByTimeAsync(20);
  expect(tenure.isHeld()).toBe(false);
});

test("a process that was stopped knows at once, before any timer has run", () => {
  const { tenure } = begin();
  vi.setSystemTime(Date.now() + 10_000);
  const now = performance.now();
  vi.spyOn(performance, "now").mockReturnValue(now + 10_000);
  expect(tenure.isHeld()).toBe(false);
});

test("ends at once when etcd says that the lease is gone; not when a call fails", async () => {
  const { tenure, renewals, lost } = begin();
  await vi.advanceTimersByTimeAsync(1_500);
  renewals[0]?.fail(new EtcdError("unavailable", "no answer"));
  await vi.advanceTimersByTimeAsync(0);
  expect(tenure.isHeld()).toBe(true);
  renewals[1]?.fail(new EtcdError("no_lease", "gone"));
  await vi.advanceTimersByTimeAsync(0);
  expect([tenure.isHeld(), lost()]).toEqual([false, "fenced: term 9 is over: its lease has ended in etcd"]);
});

test("closing it ends the lease once, and is no loss", async () => {
  const { tenure, revoked, lost } = begin();
  await Promise.all([tenure.close(), tenure.close()]);
  await vi.advanceTimersByTimeAsync(TTL_MS);
  expect([revoked, tenure.isHeld(), tenure.over.aborted, lost()]).toEqual([[77], false, true, undefined]);
});
