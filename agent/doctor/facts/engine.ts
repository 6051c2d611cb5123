/** The Docker Engine, as it tells of itself. */
import { messageOf, systemErrorCode } from "../../../base/errors.ts";
import { readRoom } from "../../disk/disk-room.ts";
import type { EngineInfo, EngineVersion } from "../../executor/docker/engine-facts.ts";
import type { FileStatus, Host } from "../host.ts";

export type EngineAnswer =
  | { readonly kind: "absent" }
  | { readonly kind: "forbidden" }
  | { readonly kind: "silent"; readonly why: string }
  | { readonly kind: "answered"; readonly info: EngineInfo; readonly version: EngineVersion };

export interface EngineFacts {
  readonly socketPath: string;
  readonly socket: FileStatus | undefined;
  readonly answer: EngineAnswer;
  /** Where its images and containers are. */
  readonly space: Space | undefined;
}

/** Of a file system, for whoever is not root. */
export interface Space {
  readonly freeMb: number;
  readonly totalMb: number;
}

export async function gatherEngine(host: Host, socketPath: string): Promise<EngineFacts> {
  const answer = await ask(host.path(socketPath));
  const root = answer.kind === "answered" ? answer.info.DockerRootDir : undefined;
  return {
    socketPath,
    socket: await host.status(socketPath),
    answer,
    space: root === undefined ? undefined : await spaceAt(host.path(root)),
  };
}

export async function spaceAt(path: string): Promise<Space | undefined> {
  // Not for this user, or on another host.
  const room = await readRoom(path).catch(() => undefined);
  const toMb = (bytes: number) => Math.floor(bytes / (1024 * 1024));
  return room && { freeMb: toMb(room.freeBytes), totalMb: toMb(room.totalBytes) };
}

async function ask(socketPath: string): Promise<EngineAnswer> {
  // Loaded only here: an agent that runs plain processes has no other use for the client.
  const { EngineClient, EngineError } = await import("../../executor/docker/engine-client.ts");
  const closing = new AbortController();
  const engine = new EngineClient(socketPath, closing.signal);
  try {
    const [info, version] = await Promise.all([engine.info(), engine.version()]);
    return { kind: "answered", info, version };
  } catch (error) {
    const code = error instanceof EngineError ? systemErrorCode(error.cause) : undefined;
    if (code === "ENOENT") return { kind: "absent" };
    if (code === "EACCES" || code === "EPERM") return { kind: "forbidden" };
    return { kind: "silent", why: messageOf(error) };
  } finally {
    closing.abort();
  }
}
