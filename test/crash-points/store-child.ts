/**
 * A process to which faults happen: opens the store in the directory given, says `open <term> <revision>`, commits so many batches,
 * says `<revision>` when one is acknowledged, and closes. What the store refuses with is said, and ends it as it ends a controller.
 */
import { writeSync } from "node:fs";
import { silentLogger } from "../../base/logger.ts";
import { openSqliteStore } from "../../controller/store/sqlite/sqlite-store.ts";
import { StoreError } from "../../controller/store/store.ts";
import { batchOf } from "./workload.ts";

const [dataDir = "", batches = "0"] = process.argv.slice(2);
const STDOUT = 1;
const EXIT_REFUSED = 3;

try {
  const store = await openSqliteStore({
    dataDir,
    log: silentLogger,
    owner: { address: "127.0.0.1:7001" },
    waitForRoomMs: 0,
  });
  const { term, revision } = await store.load();
  writeSync(STDOUT, `open ${term} ${revision}\n`);
  for (let next = revision + 1; next <= revision + Number(batches); next += 1) {
    writeSync(STDOUT, `${await store.commit(batchOf(next))}\n`);
  }
  await store.close();
} catch (error) {
  if (!(error instanceof StoreError)) throw error;
  writeSync(STDOUT, `refused ${error.code} ${error.message}\n`);
  process.exit(EXIT_REFUSED);
}
