/** `gpusched migrate`: moves the state of a cluster from a data directory into etcd, or back, while its jobs run. */
import { resolve } from "node:path";
import { RequestError } from "../base/errors.ts";
import { createLogger } from "../base/logger.ts";
import { list, path } from "../base/option-kinds.ts";
import { describeOptions, type OptionTable, type OptionValues, readOptions, UsageError } from "../base/options.ts";
import { migrateFromEtcd } from "../controller/store/migrate/from-etcd.ts";
import { type Migrated, migrateToEtcd } from "../controller/store/migrate/to-etcd.ts";
import { StoreError } from "../controller/store/store.ts";
import { whereStoreIs } from "./backup.ts";
import { placeOf } from "./etcd.ts";
import { ExitCode } from "./exit-code.ts";
import { etcdEndpoint, etcdOptions } from "./options.ts";
import type { Role } from "./role.ts";

const { etcdPrefix, etcdCa, etcdCert, etcdKey } = etcdOptions;
const options = {
  from: { kind: path, help: "the data directory to move from" },
  toEtcd: { kind: list(etcdEndpoint), help: "the etcd to move into" },
  fromEtcd: { kind: list(etcdEndpoint), help: "the etcd to move from" },
  to: { kind: path, help: "the data directory to move into: nothing was ever stored there" },
  etcdPrefix,
  etcdCa,
  etcdCert,
  etcdKey,
} satisfies OptionTable;

export const migrateCommand: Role = {
  summary: "moves a cluster's state from a data directory into etcd, or back",
  usage: "(--from DIR --to-etcd URL,… | --from-etcd URL,… --to DIR) [OPTIONS]",
  help: () =>
    [
      describeOptions(options),
      "",
      "Stop the controllers first; agents and their jobs go on. Then start the controllers on the new place: they go on with the same",
      "cluster. The old place is refused by controllers from then on.",
    ].join("\n"),
  async run(sources) {
    const values = readOptions(options, {}, sources);
    try {
      const { moved, to } = await migrate(values);
      const jobs = `${moved.jobs} ${moved.jobs === 1 ? "job" : "jobs"}`;
      console.log(`moved revision ${moved.revision} of cluster ${moved.clusterId}, ${jobs}, into ${to}`);
      return ExitCode.success;
    } catch (error) {
      if (error instanceof StoreError) throw new RequestError("conflict", error.message, { cause: error });
      throw error;
    }
  },
};

async function migrate(values: OptionValues<typeof options>): Promise<{ moved: Migrated; to: string }> {
  const { from, toEtcd, fromEtcd, to } = values;
  if (from !== undefined && toEtcd && !fromEtcd && to === undefined) {
    const place = placeOf(values, toEtcd);
    const moved = await migrateToEtcd(whereStoreIs(from), place, new AbortController().signal);
    return { moved, to: `etcd below ${place.prefix}` };
  }
  if (fromEtcd && to !== undefined && from === undefined && !toEtcd) {
    const log = createLogger({ level: "error", format: "pretty" });
    return { moved: await migrateFromEtcd(placeOf(values, fromEtcd), resolve(to), log), to };
  }
  throw new UsageError("--from with --to-etcd, or --from-etcd with --to, is needed");
}
