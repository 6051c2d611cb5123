import type { FileFacts } from "../facts/files.ts";
import type { FileStatus } from "../host.ts";
import { error, type Finding, ok, warning } from "../finding.ts";
import { checkSpace } from "./space.ts";

const ANYBODY_WRITES = 0o002;
const GROUP_WRITES = 0o020;
const OTHERS_READ = 0o004;
const OTHERS_USE = 0o077;

export function checkFiles(facts: FileFacts): readonly Finding[] {
  const { dataDir, space } = facts;
  return [
    ...checkConfiguration(facts),
    ...checkData(facts),
    checkFileSystem(facts),
    ...checkSpace("data-space", dataDir, space, "remove what is not needed there, or put --data-dir on a larger disk"),
  ];
}

/** Whoever may write them says what this host runs, and as whom. */
function checkConfiguration({ configuration, uid }: FileFacts): readonly Finding[] {
  if (configuration.length === 0) return [];
  const problems = configuration.flatMap((file) => problemOf(file, uid));
  return problems.length > 0 ? problems : [ok("configuration-files", "only root writes the configuration")];
}

function problemOf(
  { path, status }: { path: string; status: FileStatus },
  uid: number | undefined,
): readonly Finding[] {
  if ((status.mode & ANYBODY_WRITES) !== 0) {
    return [error("configuration-files", `everybody on this host may write ${path}`, `chmod o-w ${path}`)];
  }
  if (status.uid !== 0 && status.uid !== uid) {
    return [warning("configuration-files", `${path} is not root's, but user ${status.uid}'s`, `chown root ${path}`)];
  }
  if ((status.mode & GROUP_WRITES) !== 0 && status.gid !== 0) {
    return [warning("configuration-files", `the group ${status.gid} may write ${path}`, `chmod g-w ${path}`)];
  }
  if (path.endsWith(".env") && (status.mode & OTHERS_READ) !== 0) {
    const message = `everybody on this host may read ${path}, which is where secrets are put`;
    return [warning("configuration-files", message, `chmod o-r ${path}`)];
  }
  return [];
}

function checkData({ dataDir, data, uid }: FileFacts): readonly Finding[] {
  if (!data) return [ok("data-directory", `${dataDir} will be made at the first start`)];
  if (!data.isDirectory) {
    return [
      error("data-directory", `${dataDir} is no directory`, "name another one with --data-dir, or move the file away"),
    ];
  }
  if (uid !== undefined && uid !== 0 && data.uid !== uid) {
    const cure = "run this as that user, or as root; if it is the agent that says so, chown the directory to its user";
    return [warning("data-directory", `${dataDir} is user ${data.uid}'s, and not this one's`, cure)];
  }
  if ((data.mode & OTHERS_USE) !== 0) {
    const message = `others than its owner get into ${dataDir}, where the output of all jobs is`;
    return [warning("data-directory", message, `chmod 700 ${dataDir}`)];
  }
  return [ok("data-directory", `${dataDir} is its owner's alone`)];
}

function checkFileSystem({ dataDir, networkFileSystem }: FileFacts): Finding {
  if (networkFileSystem === undefined) return ok("data-file-system", `${dataDir} is on a disk of this host`);
  return error(
    "data-file-system",
    `${dataDir} is on ${networkFileSystem}: its locks and syncs may not hold, and jobs end when the network does`,
    "put --data-dir on a disk of this host",
  );
}
