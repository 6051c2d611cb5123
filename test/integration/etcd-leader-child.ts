/**
 * A candidate in a process of its own, to be stopped and killed: `etcd-leader-child.ts ENDPOINTS PREFIX INSTANCE TTL_MS`. Says
 * `leads <term> <revision>`, then commits numbered rows without a pause, and says `<n>` when commit n is acknowledged. Says
 * `over <code>` when its term has ended. The end of its input asks it to resign.
 */
import { writeSync } from "node:fs";
import { systemClock } from "../../base/clock.ts";
import { silentLogger } from "../../base/logger.ts";
import { EtcdCandidate } from "../../controller/store/etcd/etcd-candidate.ts";
import { StoreError } from "../../controller/store/store.ts";

const [endpoints = "", prefix = "", instance = "", ttl = ""] = process.argv.slice(2);
const say = (line: string) => writeSync(1, `${line}\n`);

let isEnding = false;
process.stdin.once("end", () => {
  isEnding = true;
});
process.stdin.resume();

const candidate = new EtcdCandidate({
  endpoints: endpoints.split(","),
  address: `${instance}:7000`,
  instance,
  prefix,
  leaseTtlMs: Number(ttl),
  allowsOld: true,
  clock: systemClock,
  log: silentLogger,
});
say("waits");
const store = await candidate.campaign(new AbortController().signal);
const { term, revision } = await store.load();
say(`leads ${term} ${revision}`);
try {
  for (let n = revision + 1; !isEnding; n += 1) {
    await store.commit([
      { table: "job", key: `job-${n}`, value: { n, term } },
      { table: "spec", key: "latest", value: { n } },
    ]);
    say(String(n));
  }
  say("resigns");
} catch (error) {
  say(`over ${error instanceof StoreError ? error.code : String(error)}`);
}
await store.close();
await candidate.close();
