import type { Socket } from "node:net";
import { messageOf } from "../../../base/errors.ts";
import type { AttemptFiles } from "./attempt-files.ts";
import type { GroupPlace } from "./cgroup/group-place.ts";
import { Channel } from "./channel.ts";
import { capLogs } from "./log-cap.ts";
import { type Launch, type News, PROTOCOL_VERSION, type Request, requestSchema } from "./protocol.ts";
import { RunnerJob } from "./runner-job.ts";
import type { Status } from "./status.ts";

/** Runs jobs for the one executor that is connected, and goes on running them while there is none. */
export class RunnerServer {
  readonly #files: AttemptFiles;
  readonly #place: GroupPlace | undefined;
  readonly #bootId: string;
  readonly #jobs = new Map<string, RunnerJob>();
  #executor: Channel | undefined;

  /** @param place where jobs have their control groups; undefined where they have none */
  constructor(files: AttemptFiles, place: GroupPlace | undefined, bootId: string) {
    this.#files = files;
    this.#place = place;
    this.#bootId = bootId;
  }

  /** Nobody would miss it. */
  get isIdle(): boolean {
    return this.#jobs.size === 0 && this.#executor === undefined;
  }

  accept(socket: Socket): void {
    const channel = new Channel(socket, {
      onValue: (value) => this.#receive(channel, requestSchema.parse(value)),
      onClose: (error) => {
        if (error) console.error(`the executor's connection ended: ${messageOf(error)}`);
        if (this.#executor === channel) this.#executor = undefined;
      },
    });
  }

  /** Limits what is kept of the output of its jobs. */
  capLogs(): Promise<void> {
    return capLogs(this.#files, this.#jobs.keys());
  }

  #receive(channel: Channel, request: Request): void {
    if (request.kind === "hello") return this.#welcome(channel);
    // What a replaced executor had still asked for, the newer one does not know of.
    if (channel !== this.#executor) return;
    if (request.kind === "launch") this.#launch(request.launch);
    else this.#jobs.get(request.name)?.stop(request.graceMs);
  }

  #welcome(channel: Channel): void {
    if (this.#executor && this.#executor !== channel) {
      send(this.#executor, { kind: "replaced" });
      this.#executor.end();
    }
    this.#executor = channel;
    const jobs = [...this.#jobs.values()].map((job) => job.status);
    send(channel, { kind: "welcome", version: PROTOCOL_VERSION, jobs });
  }

  /** A job that is known is left as it is. Executors do not launch what is on disk. */
  #launch(launch: Launch): void {
    if (this.#jobs.has(launch.name)) return;
    const { name } = launch;
    const onStatus = (status: Status): void => {
      if (this.#executor) send(this.#executor, { kind: "changed", status });
    };
    const job = new RunnerJob({ launch, files: this.#files, place: this.#place, bootId: this.#bootId, onStatus });
    this.#jobs.set(name, job);
    void job.run().then(() => this.#jobs.delete(name));
  }
}

function send(channel: Channel, news: News): void {
  channel.send(news);
}
