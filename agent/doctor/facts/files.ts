/** The agent's own files. */
import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import type { FileStatus, Host } from "../host.ts";
import { type Space, spaceAt } from "./engine.ts";

export interface FileFacts {
  /** The configuration: its folder, and what is in it. */
  readonly configuration: readonly { readonly path: string; readonly status: FileStatus }[];
  readonly dataDir: string;
  /** Undefined while it was not made. */
  readonly data: FileStatus | undefined;
  /** Of the directory, or of the one in which it will be made. */
  readonly space: Space | undefined;
  /** `ext4`, `nfs`, …, of those that matter; undefined for any other. */
  readonly networkFileSystem: string | undefined;
  /** Who asks; undefined where the system has no such thing. */
  readonly uid: number | undefined;
}

const FOLDER = "/etc/gpusched";

/** By the number that `statfs` tells. */
const NETWORK_FILE_SYSTEMS: Readonly<Record<number, string>> = {
  0x6969: "NFS",
  0xff534d42: "CIFS",
  0xfe534d42: "SMB",
  0x517b: "SMB",
  0x00c36400: "Ceph",
  0x0bd00bd0: "Lustre",
  0x47504653: "GPFS",
  0x19830326: "BeeGFS",
  0x5346414f: "AFS",
  0x01021997: "9p",
  0x7461636f: "OCFS2",
  0x01161970: "GFS2",
};

/** @param configFile what is read besides the folder of the packages, if anything is */
export async function gatherFiles(host: Host, dataDir: string, configFile: string | undefined): Promise<FileFacts> {
  const inFolder = (await host.names(FOLDER)).map((name) => `${FOLDER}/${name}`);
  const paths = [...new Set([FOLDER, ...inFolder, ...(configFile === undefined ? [] : [configFile])])];
  const configuration = await Promise.all(paths.map(async (path) => ({ path, status: await host.status(path) })));
  const nearest = await existing(host, dataDir);
  return {
    configuration: configuration.flatMap(({ path, status }) => (status ? [{ path, status }] : [])),
    dataDir,
    data: await host.status(dataDir),
    space: await spaceAt(host.path(nearest)),
    networkFileSystem: await networkFileSystemAt(host.path(nearest)),
    uid: process.getuid?.(),
  };
}

/** The directory, or the nearest one above it that is there. */
async function existing(host: Host, path: string): Promise<string> {
  if (path === dirname(path) || (await host.exists(path))) return path;
  return existing(host, dirname(path));
}

async function networkFileSystemAt(path: string): Promise<string | undefined> {
  try {
    return NETWORK_FILE_SYSTEMS[(await statfs(path)).type >>> 0];
  } catch {
    return undefined;
  }
}
