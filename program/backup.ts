/** `gpusched backup` and `gpusched restore`: copies of the embedded store. */
import { join } from "node:path";
import { existsSync } from "node:fs";
import { parseArgs } from "node:util";
import { RequestError } from "../base/errors.ts";
import { UsageError } from "../base/options.ts";
import { type BackupContents, backUpStore, restoreStore } from "../controller/store/sqlite/backup.ts";
import { StoreError } from "../controller/store/store.ts";
import { ExitCode } from "./exit-code.ts";
import { controllerOptions } from "./options.ts";
import type { Role } from "./role.ts";

const DEFAULT_DATA_DIR = controllerOptions.dataDir.default;
const DATA_DIR_HELP = `  --data-dir PATH  the data directory of the controller (${DEFAULT_DATA_DIR}; of gpusched dev, controller below its own)`;

export const backupCommand: Role = {
  summary: "copies a controller's store into a file, also while it runs",
  usage: "FILE [--data-dir PATH]",
  help: () =>
    [
      "  FILE             the copy; must not be there yet",
      DATA_DIR_HELP,
      "",
      "Everything is in the copy that was acknowledged before, and all of it has been read once more. It is for its owner alone.",
    ].join("\n"),
  async run({ args }) {
    const { file, dataDir } = parse(args);
    const contents = await backUpStore(whereStoreIs(dataDir), file);
    console.log(`backed up ${describe(contents)}, into ${file}`);
    return ExitCode.success;
  },
};

export const restoreCommand: Role = {
  summary: "puts such a copy into an empty data directory",
  usage: "FILE [--data-dir PATH]",
  help: () =>
    [
      "  FILE             what gpusched backup has made",
      DATA_DIR_HELP,
      "",
      "What has happened since the backup is not in it. Agents remember how far the cluster had come: when one of them connects, the",
      "controller stops, and says how to accept that loss. Jobs go on meanwhile.",
    ].join("\n"),
  run({ args }) {
    const { file, dataDir } = parse(args);
    try {
      console.log(`restored ${describe(restoreStore(file, dataDir))}, into ${dataDir}`);
      return Promise.resolve(ExitCode.success);
    } catch (error) {
      if (error instanceof StoreError) throw new RequestError("conflict", error.message, { cause: error });
      throw error;
    }
  },
};

function describe({ clusterId, revision, term, jobs }: BackupContents): string {
  return `revision ${revision} of term ${term} of cluster ${clusterId}, ${jobs} ${jobs === 1 ? "job" : "jobs"}`;
}

/** The directory of gpusched dev will do as well. */
export function whereStoreIs(dataDir: string): string {
  const below = join(dataDir, "controller");
  return !existsSync(join(dataDir, "gpusched.db")) && existsSync(join(below, "gpusched.db")) ? below : dataDir;
}

function parse(args: readonly string[]): { readonly file: string; readonly dataDir: string } {
  const { values, positionals } = parsed(args);
  const [file, ...more] = positionals;
  if (file === undefined || more.length > 0) throw new UsageError("one FILE is needed");
  return { file, dataDir: values["data-dir"] ?? DEFAULT_DATA_DIR };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options: { "data-dir": { type: "string" } } });
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(error.message);
    throw error;
  }
}
