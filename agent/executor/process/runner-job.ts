import { setTimeout as sleep } from "node:timers/promises";
import { messageOf, systemErrorCode } from "../../../base/errors.ts";
import type { AttemptFiles } from "./attempt-files.ts";
import type { GroupPlace } from "./cgroup/group-place.ts";
import {
  createJobGroup,
  entrancesOf,
  type JobGroup,
  outOfMemoryMessage,
  ranOutOfMemory,
  removeJobGroup,
} from "./cgroup/job-group.ts";
import type { Launch } from "./protocol.ts";
import { killJob, terminateGroup } from "./session.ts";
import { type StartedJob, startJob } from "./start-job.ts";
import type { Status, StatusEnd, StatusState } from "./status.ts";

const SAVE_RETRY_MS = 5_000;
/** Node's timers overflow beyond. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export interface RunnerJobOptions {
  readonly launch: Launch;
  readonly files: AttemptFiles;
  /** Where control groups are made; undefined where they cannot be. */
  readonly place: GroupPlace | undefined;
  readonly bootId: string;
  /** Called in order, each time once the status is durable; a job that cannot be recorded any more is still told of. */
  readonly onStatus: (status: Status) => void;
}

/** One job, from its launch until its end is on disk. */
export class RunnerJob {
  readonly #options: RunnerJobOptions;
  #status: Status;
  #started: StartedJob | undefined;
  #group: JobGroup | undefined;
  #killAtMs: number | undefined;
  #killTimer: NodeJS.Timeout | undefined;
  /** Writes of the status, one after the other. */
  #saving: Promise<unknown> = Promise.resolve();

  constructor(options: RunnerJobOptions) {
    this.#options = options;
    const { argv: _, environment: __, limits: ___, ...summary } = options.launch;
    this.#status = { version: 1, ...summary, bootId: options.bootId, state: { phase: "starting" } };
  }

  get status(): Status {
    return this.#status;
  }

  /** Runs it. Resolves when its end has been told and is durable; never rejects. */
  async run(): Promise<void> {
    const end = await this.#untilEnd();
    const startedAtMs = this.#status.state.phase === "running" ? this.#status.state.startedAtMs : undefined;
    const ended: StatusState = { phase: "ended", startedAtMs, endedAtMs: Date.now(), end };
    for (let isSaved = await this.#setState(ended); !isSaved; isSaved = await this.#save()) await sleep(SAVE_RETRY_MS);
  }

  /** SIGTERM to its process group the first time, SIGKILL to all of it after the grace. */
  stop(graceMs: number): void {
    const killAtMs = Date.now() + graceMs;
    if (this.#status.state.phase === "ended" || killAtMs >= (this.#killAtMs ?? Number.POSITIVE_INFINITY)) return;
    const isFirst = this.#killAtMs === undefined;
    this.#killAtMs = killAtMs;
    if (this.#started) this.#carryOutStop(this.#started, isFirst);
  }

  async #untilEnd(): Promise<StatusEnd> {
    try {
      await this.#options.files.create(this.#options.launch.name);
      // What cannot be recorded when it ends is not started.
      await this.#options.files.reserve(this.#status);
      // From here on an interrupted launch is known as one.
      await this.#write();
      if (this.#killAtMs !== undefined) return { kind: "node", message: "stopped before it started" };
      this.#group = await this.#makeGroup();
      const entrances = this.#group ? entrancesOf(this.#group) : [];
      const started = await startJob(this.#options.launch, this.#options.files, entrances);
      if (started.kind === "started") return await this.#untilExit(started);
      this.#leaveGroup();
      return started;
    } catch (error) {
      return { kind: "node", message: `the node could not start it: ${messageOf(error)}` };
    }
  }

  /** Recorded before anything is in it, so that whoever comes after this process finds it. */
  async #makeGroup(): Promise<JobGroup | undefined> {
    const { place, files, launch } = this.#options;
    const { name, limits } = launch;
    if (!place || !limits) return undefined;
    const group = createJobGroup(place, name, limits);
    await files.writeGroup(name, group);
    return group;
  }

  #leaveGroup(): void {
    if (this.#group && !removeJobGroup(this.#group)) console.error(`${this.#status.name}: its control group stays`);
  }

  async #untilExit(started: StartedJob): Promise<StatusEnd> {
    this.#started = started;
    const saving = this.#setState({ phase: "running", process: started.process, startedAtMs: Date.now() });
    if (this.#killAtMs !== undefined) this.#carryOutStop(started, true);
    const exited = await started.exited;
    clearTimeout(this.#killTimer);
    // Its devices are free only when nothing that it started is left.
    const isEmpty = await killJob(started.process, this.#group);
    const end = this.#withMemory(exited);
    await saving;
    if (isEmpty) {
      this.#leaveGroup();
      return end;
    }
    return { ...end, message: [end.message, "some of its processes cannot be killed"].filter(Boolean).join("; ") };
  }

  /** Independent of the exit code: the process that was killed need not be the first one, whose code this is. */
  #withMemory(end: StatusEnd): StatusEnd {
    if (end.kind !== "exited" || !this.#group || !ranOutOfMemory(this.#group)) return end;
    return { ...end, outOfMemory: true, message: outOfMemoryMessage(this.#group) };
  }

  #carryOutStop({ process }: StartedJob, isFirst: boolean): void {
    const { state } = this.#status;
    if (state.phase !== "running" || this.#killAtMs === undefined) return;
    void this.#setState({ ...state, killAtMs: this.#killAtMs });
    if (isFirst) void terminateGroup(process);
    clearTimeout(this.#killTimer);
    const remainingMs = Math.max(0, this.#killAtMs - Date.now());
    this.#killTimer = setTimeout(() => void killJob(process, this.#group), Math.min(MAX_TIMER_MS, remainingMs));
  }

  /** False if it is not on disk; it holds all the same. */
  async #setState(state: StatusState): Promise<boolean> {
    this.#status = { ...this.#status, state };
    const status = this.#status;
    const isSaved = await this.#save();
    this.#options.onStatus(status);
    return isSaved;
  }

  async #save(): Promise<boolean> {
    try {
      await this.#write();
      return true;
    } catch (error) {
      // Released meanwhile: there is nothing left to record.
      if (systemErrorCode(error) === "ENOENT") return true;
      console.error(`${this.#status.name}: cannot record its state: ${messageOf(error)}`);
      return false;
    }
  }

  #write(): Promise<void> {
    const status = this.#status;
    const writing = this.#saving.then(() => this.#options.files.writeStatus(status));
    this.#saving = writing.catch(() => undefined);
    return writing;
  }
}
