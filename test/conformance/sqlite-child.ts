/**
 * A process that lives to be killed: says `opening`, opens the store in the directory given, says `open <term> <revision>`, then
 * commits numbered rows, a pair in each commit, and says `<n>` only when commit n is acknowledged. The end of its input asks it to
 * close. With mode `hold` it commits nothing.
 */
import { writeSync } from "node:fs";
import { silentLogger } from "../../base/logger.ts";
import { openSqliteStore } from "../../controller/store/sqlite/sqlite-store.ts";

const [dataDir = "", mode = "commit"] = process.argv.slice(2);
const STDOUT = 1;
const EXIT_REFUSED = 3;

let isEnding = false;
process.stdin.once("end", () => {
  isEnding = true;
});
process.stdin.resume();

try {
  writeSync(STDOUT, "opening\n");
  const store = await openSqliteStore({ dataDir, log: silentLogger, owner: { address: "127.0.0.1:7001" } });
  const { term, revision } = await store.load();
  writeSync(STDOUT, `open ${term} ${revision}\n`);
  for (let n = revision + 1; mode === "commit" && !isEnding; n += 1) {
    const value = { n, padding: "x".repeat((n * 7_919) % 20_000) };
    await store.commit([
      { table: "job", key: `job-${n}`, value },
      { table: "spec", key: `job-${n}`, value: { n } },
    ]);
    writeSync(STDOUT, `${n}\n`);
  }
  process.stdin.once("end", () => void store.close());
  if (isEnding) await store.close();
} catch (error) {
  writeSync(STDOUT, `refused ${JSON.stringify({ ...(error as object), message: String(error) })}\n`);
  process.exit(EXIT_REFUSED);
}
