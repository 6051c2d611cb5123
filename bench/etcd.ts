/**
 * What the etcd store does on this machine, with a three-member etcd on it: `npm run bench:etcd`. Commits of several sizes, and how
 * long after its election a leader has the state. Client and members share the machine, and its one disk.
 */
import { systemClock } from "../base/clock.ts";
import { silentLogger } from "../base/logger.ts";
import { EtcdCandidate } from "../controller/store/etcd/etcd-candidate.ts";
import type { Store, Write } from "../controller/store/store.ts";
import { startEtcd } from "../test/support/etcd-cluster.ts";

const ROW_COUNTS = [1, 10, 100, 500, 2_000, 20_000];
const SECONDS_EACH = 4;
const LOADED_ROWS = 100_000;
const LOADED_PER_COMMIT = 2_000;
/** About what a finished job's row and its spec have together. */
const FINISHED_BYTES = 1_200;

const etcd = await startEtcd({ members: 3 });
try {
  const first = candidate("controller-1");
  const store = await first.campaign(AbortSignal.timeout(30_000));
  await store.load();
  for (const rows of ROW_COUNTS) await measureCommits(store, rows);
  await fill(store);
  await measureElections(first, store);
} finally {
  await etcd.close();
}

function candidate(instance: string): EtcdCandidate {
  const address = "127.0.0.1:7000";
  return new EtcdCandidate({
    endpoints: etcd.endpoints,
    address,
    instance,
    allowsOld: true,
    clock: systemClock,
    log: silentLogger,
  });
}

/** Each waits for the one before, as the loop's do. */
async function measureCommits(store: Store, rows: number): Promise<void> {
  const times: number[] = [];
  const beganAt = performance.now();
  for (let n = 0; performance.now() - beganAt < SECONDS_EACH * 1_000 || n < 3; n += 1) {
    const writes = Array.from({ length: rows }, (_, index) => row(`bench-${(n * rows + index) % 40_000}`, 500));
    const at = performance.now();
    await store.commit(writes);
    times.push(performance.now() - at);
  }
  const seconds = (performance.now() - beganAt) / 1_000;
  times.sort((a, b) => a - b);
  const share = (part: number) => (times[Math.floor(times.length * part)] ?? 0).toFixed(1);
  const rate = (times.length / seconds).toFixed(1);
  const rowRate = Math.round((times.length * rows) / seconds);
  console.log(
    `${rows} rows a commit: ${rate} commits/s, ${rowRate} rows/s, p50 ${share(0.5)} ms, p99 ${share(0.99)} ms`,
  );
}

async function fill(store: Store): Promise<void> {
  const beganAt = performance.now();
  const bench = Array.from({ length: 40_000 }, (_, n): Write => ({ table: "job", key: `bench-${n}`, value: null }));
  await store.commit(bench);
  for (let n = 0; n < LOADED_ROWS; n += LOADED_PER_COMMIT) {
    const writes = Array.from({ length: LOADED_PER_COMMIT }, (_, index) => row(`job-${n + index}`, FINISHED_BYTES));
    await store.commit(writes);
  }
  const seconds = (performance.now() - beganAt) / 1_000;
  console.log(`${LOADED_ROWS} rows of ${FINISHED_BYTES} bytes written in ${seconds.toFixed(1)} s`);
}

async function measureElections(first: EtcdCandidate, store: Store): Promise<void> {
  const second = candidate("controller-2");
  const campaign = second.campaign(AbortSignal.timeout(120_000));
  const followingAt = performance.now();
  while (second.following !== LOADED_ROWS) await new Promise((resolve) => setTimeout(resolve, 20));
  console.log(`a follower has read ${LOADED_ROWS} rows in ${took(followingAt)} ms`);
  const resignedAt = performance.now();
  const closed = store.close().then(() => performance.now());
  const next = await campaign;
  const { rows } = await next.load();
  console.log(
    `resigned in ${took(resignedAt, await closed)} ms; the follower had ${rows.length} rows after ${took(resignedAt)} ms`,
  );
  await first.close();
  await next.close();
  const cold = candidate("controller-3");
  const coldAt = performance.now();
  const last = await cold.campaign(AbortSignal.timeout(120_000));
  console.log(
    `a leader that did not follow before had ${(await last.load()).rows.length} rows after ${took(coldAt)} ms`,
  );
  await last.close();
  await cold.close();
  await second.close();
}

function row(key: string, bytes: number): Write {
  return { table: "job", key, value: { id: key, phase: "finished", padding: "x".repeat(bytes - 60) } };
}

function took(fromMs: number, toMs = performance.now()): string {
  return (toMs - fromMs).toFixed(0);
}
