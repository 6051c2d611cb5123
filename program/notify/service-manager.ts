import { messageOf } from "../../base/errors.ts";
import type { Logger } from "../../base/logger.ts";
import { SECOND_MS } from "../../base/time.ts";
import { type NotifySocket, openNotifySocket } from "./notify-socket.ts";

/** How a role is at the moment. */
export interface Pulse {
  /** One line for `systemctl status`. */
  readonly status: string;
  /** Why its work does not go on: the watchdog is then not fed, and ends the process when its time is over. */
  readonly stalled: string | undefined;
}

/** How often the status is told where there is no watchdog. */
const STATUS_EVERY_MS = 5 * SECOND_MS;
/** A watchdog is fed that many times within its time. */
const FEEDINGS = 3;

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * What a role tells systemd, if that has started it: when it serves, how it is, and that it is well (sd_notify(3)).
 * Started by anything else, it tells nobody.
 */
export class ServiceManager {
  readonly #socket: NotifySocket | undefined;
  readonly #everyMs: number;
  readonly #isWatched: boolean;
  readonly #log: Logger;
  #timer: NodeJS.Timeout | undefined;
  #pulse: (() => Pulse) | undefined;
  #isReady = false;
  #status = "";
  #complaint: string | undefined;
  #stalled: string | undefined;

  private constructor(socket: NotifySocket | undefined, watchdogMs: number | undefined, log: Logger) {
    this.#socket = socket;
    this.#isWatched = watchdogMs !== undefined;
    this.#everyMs = watchdogMs === undefined ? STATUS_EVERY_MS : watchdogMs / FEEDINGS;
    this.#log = log;
  }

  /** Takes the socket out of the environment, so that no process that the role starts speaks for it. */
  static async find(environment: NodeJS.ProcessEnv | Environment, log: Logger): Promise<ServiceManager> {
    const { NOTIFY_SOCKET: address, WATCHDOG_USEC: microseconds, WATCHDOG_PID: pid } = environment;
    if (!address) return new ServiceManager(undefined, undefined, log);
    delete process.env["NOTIFY_SOCKET"];
    const isMeant = pid === undefined || Number(pid) === process.pid;
    const watchdogMs = isMeant && Number(microseconds) > 0 ? Number(microseconds) / 1_000 : undefined;
    try {
      return new ServiceManager(await openNotifySocket(address), watchdogMs, log);
    } catch (error) {
      log.error(
        { reason: messageOf(error) },
        "the service manager cannot be told that this role is ready: start it with Type=exec and without WatchdogSec",
      );
      return new ServiceManager(undefined, undefined, log);
    }
  }

  /** What the role is doing before it is ready. */
  starting(status: string): void {
    this.#tellStatus(status);
  }

  /** The role serves; from now on it is asked how it is. */
  ready(pulse: () => Pulse): void {
    if (!this.#socket || this.#pulse) return;
    this.#pulse = pulse;
    this.#timer = setInterval(() => this.#beat(pulse()), this.#everyMs);
    this.#timer.unref();
    this.#beat(pulse());
  }

  /** The role ends: in order, or because it cannot go on. Nothing is told after that. */
  stopping(): void {
    clearInterval(this.#timer);
    this.#tell("STOPPING=1\nSTATUS=stopping");
    this.#socket?.close();
  }

  #beat({ status, stalled }: Pulse): void {
    // A full queue of the manager's loses nothing that is told again.
    if (!this.#isReady) this.#isReady = this.#tell("READY=1");
    this.#tellStatus(stalled === undefined ? status : `${status}; stalled: ${stalled}`);
    if (stalled !== this.#stalled) {
      if (stalled === undefined) this.#log.info("the role's work goes on again");
      else this.#log.error({ reason: stalled }, "the role's work does not go on: its watchdog is not fed");
      this.#stalled = stalled;
    }
    if (this.#isWatched && stalled === undefined) this.#tell("WATCHDOG=1");
  }

  #tellStatus(status: string): void {
    const line = status.replaceAll("\n", " ");
    if (line !== this.#status && this.#tell(`STATUS=${line}`)) this.#status = line;
  }

  /** Returns whether it was sent; says once why it is not. */
  #tell(message: string): boolean {
    if (!this.#socket) return false;
    const problem = this.#socket.send(message);
    if (problem !== undefined && problem !== this.#complaint) {
      this.#log.warn({ reason: problem }, "the service manager was not told");
    }
    this.#complaint = problem;
    return problem === undefined;
  }
}
