import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "../../base/logger.ts";
import { openSqliteStore } from "../../controller/store/sqlite/sqlite-store.ts";
import { describeStoreConformance } from "./store-conformance.ts";

describeStoreConformance("sqlite", async () => {
  const parent = await mkdtemp(join(tmpdir(), "gpusched-store-"));
  const dataDir = join(parent, "data");
  return {
    whileHeld: "refuses",
    open: () => openSqliteStore({ dataDir, log: silentLogger, owner: { address: "127.0.0.1:7000" } }),
    remove: () => rm(parent, { recursive: true, force: true }),
  };
});
