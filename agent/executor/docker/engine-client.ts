import type { Readable } from "node:stream";
import { inspect } from "node:util";
import Docker from "dockerode";
import { withDeadline } from "../../../base/abort.ts";
import { messageOf, systemErrorCode } from "../../../base/errors.ts";
import type { LogStreamName } from "../executor.ts";
import type { EngineInfo, EngineVersion } from "./engine-facts.ts";
import type { RegistryAuth } from "./images/registry-auth.ts";
import { jsonLines } from "./json-lines.ts";

// An import of it would look at all that it exports, and so load fetch and WebSocket, which take 14 MB.
const { Agent } = process.getBuiltinModule("node:http");

const CONTROL_DEADLINE_MS = 5_000;
/** Creating, starting and removing touch the disk and run programs. */
const WORK_DEADLINE_MS = 30_000;
/** An image may be many gigabytes in many small files. */
const IMAGE_REMOVAL_DEADLINE_MS = 120_000;
/** Characters that are kept of what a program in a container writes. */
const MAX_EXEC_OUTPUT = 16_384;

export type ContainerDetails = Docker.ContainerInspectInfo;
export type ContainerSummary = Docker.ContainerInfo;
export type CreateOptions = Omit<Docker.ContainerCreateOptions, "HostConfig"> & {
  readonly name: string;
  readonly HostConfig: HostConfig;
};
export type NetworkDetails = Docker.NetworkInspectInfo;
export type NetworkOptions = Docker.NetworkCreateOptions;
/** With what the client's types do not know yet. */
export type HostConfig = Docker.HostConfig & { CgroupnsMode?: "private" };

/** The Docker Engine refused a call (`status` is HTTP's) or did not answer it (`status` is undefined). */
export class EngineError extends Error {
  override readonly name = "EngineError";
  readonly status: number | undefined;

  constructor(message: string, status: number | undefined, cause: unknown) {
    super(message, { cause });
    this.status = status;
  }
}

/** Whether it is unknown what became of the call: the engine may have carried it out, or may still do so. */
export function isUnanswered(error: unknown): boolean {
  return error instanceof EngineError && error.status === undefined;
}

/** Whether the engine answered with a refusal. */
export function isRefused(error: unknown): boolean {
  return error instanceof EngineError && error.status !== undefined;
}

/** Whether the engine answered that there is no such thing. */
export function isMissing(error: unknown): boolean {
  return error instanceof EngineError && error.status === 404;
}

/** What came of a program that was run in a container. */
export interface ExecutedProgram {
  /** Undefined while it is not known. */
  readonly exitCode: number | undefined;
  /** Of both streams; the beginning of it. */
  readonly output: string;
}

export interface ReadOutputOptions {
  readonly follow: boolean;
  /** undefined is both. */
  readonly stream: LogStreamName | undefined;
  readonly tail: number | undefined;
  /** Seconds since the epoch with nine decimals; entries before it are left out. */
  readonly since: string | undefined;
}

/**
 * docker-modem renders the options of every call for a debug log, also when nobody reads it, and what an agent refers to is
 * every other call in progress.
 */
class OpaqueAgent extends Agent {
  [inspect.custom](): string {
    return "Agent";
  }
}

/** The calls of the Docker Engine that the executor needs: each with a deadline, failing with {@link EngineError} only. */
export class EngineClient {
  readonly #docker: Docker;
  readonly #socketPath: string;
  readonly #closing: AbortSignal;

  /** @param closing ends every call in progress */
  constructor(socketPath: string, closing: AbortSignal) {
    this.#socketPath = socketPath;
    this.#closing = closing;
    // No connection is kept: one that outlives a restart of the engine fails at its next use. What the environment says
    // (DOCKER_HOST and the like) must not win over the socket that was asked for.
    const agent = new OpaqueAgent({ keepAlive: false });
    const options = { socketPath, host: undefined, protocol: "http", timeout: undefined, agent } as const;
    this.#docker = new Docker(options);
  }

  async ping(): Promise<void> {
    await this.#call("ping", CONTROL_DEADLINE_MS, (signal) => this.#get("/_ping", signal));
  }

  async info(): Promise<EngineInfo> {
    return await this.#call("info", CONTROL_DEADLINE_MS, (signal) => this.#get<EngineInfo>("/info", signal));
  }

  async version(): Promise<EngineVersion> {
    return await this.#call("version", CONTROL_DEADLINE_MS, (signal) => this.#get<EngineVersion>("/version", signal));
  }

  /** The id of the image that has the name now; undefined when there is none. */
  async imageId(image: string): Promise<string | undefined> {
    const found = await this.#find("inspect of an image", (signal) =>
      this.#get<{ readonly Id?: string }>(`/images/${image}/json`, signal),
    );
    return found?.Id;
  }

  /** How many bytes each volume holds, by its name: the engine counts them now. */
  async volumeSizes(): Promise<ReadonlyMap<string, number>> {
    const usage = await this.#call("system df", WORK_DEADLINE_MS, (abortSignal) =>
      this.#dial<{ Volumes?: readonly { Name: string; UsageData?: { Size: number } | null }[] | null }>({
        path: "/system/df?",
        method: "GET",
        abortSignal,
        statusCodes: { 200: true },
        options: { type: "volume" },
      }),
    );
    return new Map((usage.Volumes ?? []).map(({ Name, UsageData }) => [Name, UsageData?.Size ?? 0]));
  }

  /** Begins a pull; the answer's lines are its progress. No deadline: the signal ends it. */
  async pull(image: string, auth: RegistryAuth | undefined, signal: AbortSignal): Promise<AsyncIterable<unknown>> {
    const abortSignal = AbortSignal.any([signal, this.#closing]);
    const options = auth === undefined ? { abortSignal } : { abortSignal, authconfig: auth };
    return jsonLines((await this.#convert(this.#docker.pull(image, options))) as Readable);
  }

  /** Takes the name from the image, and deletes it when that was its last; "in-use" leaves it as it is. */
  async removeImage(image: string): Promise<"removed" | "in-use" | "missing"> {
    try {
      await this.#call("removal of an image", IMAGE_REMOVAL_DEADLINE_MS, (abortSignal) =>
        this.#docker.getImage(image).remove({ abortSignal }),
      );
      return "removed";
    } catch (error) {
      if (isMissing(error)) return "missing";
      if (error instanceof EngineError && error.status === 409) return "in-use";
      throw error;
    }
  }

  /** The ids of the images of all containers, whoever's they are, ended ones included. */
  async imagesInUse(): Promise<ReadonlySet<string>> {
    const containers = await this.#call("list of all containers", CONTROL_DEADLINE_MS, (abortSignal) =>
      this.#docker.listContainers({ all: true, abortSignal }),
    );
    return new Set(containers.map(({ ImageID }) => ImageID));
  }

  /** The new container's id. */
  async create(options: CreateOptions): Promise<string> {
    return await this.#call("create", WORK_DEADLINE_MS, async (abortSignal) => {
      const container = await this.#docker.createContainer({ ...options, abortSignal });
      return container.id;
    });
  }

  /** Unpacks a tar archive in a directory of a container, with the owners that it names. */
  async unpack(container: string, directory: string, archive: Buffer): Promise<void> {
    await this.#call("unpack", WORK_DEADLINE_MS, (abortSignal) =>
      this.#docker.getContainer(container).putArchive(archive, { path: directory, abortSignal }),
    );
  }

  /** Starting what runs already is allowed. */
  async start(container: string): Promise<void> {
    try {
      await this.#call("start", WORK_DEADLINE_MS, (abortSignal) =>
        this.#docker.getContainer(container).start({ abortSignal }),
      );
    } catch (error) {
      if (!(error instanceof EngineError && error.status === 304)) throw error;
    }
  }

  /** False when there is nothing to signal: the container does not run or does not exist. */
  async kill(container: string, signal: "SIGTERM" | "SIGKILL"): Promise<boolean> {
    try {
      await this.#call("kill", CONTROL_DEADLINE_MS, (abortSignal) =>
        this.#docker.getContainer(container).kill({ signal, abortSignal }),
      );
      return true;
    } catch (error) {
      if (error instanceof EngineError && (error.status === 404 || error.status === 409)) return false;
      throw error;
    }
  }

  /** By id or name; undefined when there is none. */
  async inspect(container: string): Promise<ContainerDetails | undefined> {
    return await this.#find("inspect", (abortSignal) => this.#docker.getContainer(container).inspect({ abortSignal }));
  }

  /** All containers with the label, ended ones included. */
  async list(label: string): Promise<readonly ContainerSummary[]> {
    return await this.#call("list", CONTROL_DEADLINE_MS, (abortSignal) =>
      this.#docker.listContainers({ all: true, filters: { label: [label] }, abortSignal }),
    );
  }

  /** Kills it if it runs, and removes it with its anonymous volumes. Removing what is not there is allowed. */
  async remove(container: string): Promise<void> {
    await this.#call("remove", WORK_DEADLINE_MS, async (abortSignal) => {
      try {
        await this.#docker.getContainer(container).remove({ force: true, v: true, abortSignal });
      } catch (error) {
        if (statusOf(error) !== 404) throw error;
      }
    });
  }

  /** Removes it unless it runs; false if it does. The engine starts nothing that is being removed, and removes nothing half started. */
  async removeUnlessRunning(container: string): Promise<boolean> {
    return await this.#call("remove", WORK_DEADLINE_MS, async (abortSignal) => {
      try {
        await this.#docker.getContainer(container).remove({ v: true, abortSignal });
      } catch (error) {
        if (statusOf(error) === 409) return false;
        if (statusOf(error) !== 404) throw error;
      }
      return true;
    });
  }

  /** By id or name; undefined when there is none. */
  async network(network: string): Promise<NetworkDetails | undefined> {
    return await this.#find("inspect of a network", (abortSignal) =>
      this.#get<NetworkDetails>(`/networks/${network}`, abortSignal),
    );
  }

  /** All networks with the label. */
  async networks(label: string): Promise<readonly NetworkDetails[]> {
    return await this.#call("list of networks", CONTROL_DEADLINE_MS, (abortSignal) =>
      this.#docker.listNetworks({ filters: { label: [label] }, abortSignal }),
    );
  }

  async createNetwork(options: NetworkOptions): Promise<void> {
    await this.#call("creation of a network", WORK_DEADLINE_MS, (abortSignal) =>
      this.#docker.createNetwork({ ...options, abortSignal }),
    );
  }

  /** Docker refuses it while anything is on the network. */
  async removeNetwork(id: string): Promise<void> {
    await this.#call("removal of a network", WORK_DEADLINE_MS, (abortSignal) =>
      this.#docker.getNetwork(id).remove({ abortSignal }),
    );
  }

  /** What happens to containers with the label from now on. Ends when the engine ends; the signal ends it without error. */
  async events(label: string, signal: AbortSignal): Promise<AsyncIterable<unknown>> {
    const filters = { label: [label], event: ["create", "die", "destroy", "oom"] };
    const ended = AbortSignal.any([signal, this.#closing]);
    const stream = await this.#stream("events", ended, (abortSignal) =>
      this.#docker.getEvents({ filters, abortSignal }).then((it) => it as Readable),
    );
    return jsonLines(stream);
  }

  /** The container's output in Docker's frames, each entry preceded by its time. */
  async output(container: string, options: ReadOutputOptions, signal: AbortSignal): Promise<Readable> {
    const { follow, stream } = options;
    const query = { stdout: stream !== "stderr", stderr: stream !== "stdout", timestamps: true, follow };
    const tail = options.tail === undefined ? {} : { tail: options.tail };
    const since = options.since === undefined ? {} : { since: options.since };
    return await this.#stream("logs", AbortSignal.any([signal, this.#closing]), (abortSignal) =>
      this.#dial<Readable>({
        path: `/containers/${container}/logs?`,
        method: "GET",
        isStream: true,
        abortSignal,
        statusCodes: { 200: true },
        options: { ...query, ...tail, ...since },
      }),
    );
  }

  /** Runs a program in a container, and resolves when it has ended; the signal only ends the waiting. */
  async execute(container: string, argv: readonly string[], signal: AbortSignal): Promise<ExecutedProgram> {
    const exec = await this.#call("exec", CONTROL_DEADLINE_MS, (abortSignal) =>
      this.#docker
        .getContainer(container)
        .exec({ Cmd: [...argv], Tty: true, AttachStdout: true, AttachStderr: true, abortSignal }),
    );
    const output = await this.#stream("exec", AbortSignal.any([signal, this.#closing]), (abortSignal) =>
      exec.start({ Tty: true, abortSignal }),
    );
    const text = await this.#convert(headOf(output));
    const { ExitCode } = await this.#call("exec", CONTROL_DEADLINE_MS, (abortSignal) => exec.inspect({ abortSignal }));
    return { exitCode: ExitCode ?? undefined, output: text };
  }

  async #find<T>(operation: string, start: (abortSignal: AbortSignal) => Promise<T>): Promise<T | undefined> {
    try {
      return await this.#call(operation, CONTROL_DEADLINE_MS, start);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  /** A call whose answer has a deadline for its beginning only. */
  async #stream(
    operation: string,
    ended: AbortSignal,
    start: (signal: AbortSignal) => Promise<Readable>,
  ): Promise<Readable> {
    const opening = new AbortController();
    try {
      return await this.#convert(
        withDeadline(operation, CONTROL_DEADLINE_MS, () => start(AbortSignal.any([opening.signal, ended]))),
      );
    } catch (error) {
      opening.abort();
      throw error;
    }
  }

  async #call<T>(operation: string, deadlineMs: number, start: (signal: AbortSignal) => Promise<T>): Promise<T> {
    return await this.#convert(
      withDeadline(operation, deadlineMs, (signal) => start(AbortSignal.any([signal, this.#closing]))),
    );
  }

  async #convert<T>(call: Promise<T>): Promise<T> {
    try {
      return await call;
    } catch (error) {
      const status = statusOf(error);
      if (status !== undefined) throw new EngineError(withoutStatus(messageOf(error)), status, error);
      throw new EngineError(`Docker does not answer at ${this.#socketPath}: ${whyUnanswered(error)}`, undefined, error);
    }
  }

  async #get<T>(path: string, abortSignal: AbortSignal): Promise<T> {
    return await this.#dial<T>({ path, method: "GET", abortSignal, statusCodes: { 200: true } });
  }

  async #dial<T>(options: Parameters<Docker["modem"]["dial"]>[0]): Promise<T> {
    return await new Promise<T>((resolve, reject) => {
      this.#docker.modem.dial(options, (error, result) => (error ? reject(error) : resolve(result as T)));
    });
  }
}

/** All of it is read, so that the program can end. */
async function headOf(output: Readable): Promise<string> {
  let text = "";
  for await (const piece of output) if (text.length < MAX_EXEC_OUTPUT) text += String(piece);
  return text.slice(0, MAX_EXEC_OUTPUT);
}

function statusOf(error: unknown): number | undefined {
  if (error instanceof Error && "statusCode" in error && typeof error.statusCode === "number") return error.statusCode;
  return undefined;
}

/** dockerode writes `(HTTP code 404) no such container - ` before what the engine said. */
function withoutStatus(message: string): string {
  return message.replace(/^\(HTTP code \d+\) .*? - /, "").trim();
}

function whyUnanswered(error: unknown): string {
  switch (systemErrorCode(error)) {
    case "ENOENT":
      return "there is no such socket";
    case "EACCES":
      return "permission denied: the agent's user must be root or in the group docker";
    case "ECONNREFUSED":
      return "nothing listens there";
    case "ECONNRESET":
      return "it closed the connection";
    default:
      return messageOf(error);
  }
}
