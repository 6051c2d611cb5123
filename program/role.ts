import { createLogger, type LogFormat, type Logger, type LogLevel } from "../base/logger.ts";
import {
  describeOptions,
  type OptionSources,
  type OptionTable,
  type OptionValues,
  readOptions,
  type UnsupportedFlags,
} from "../base/options.ts";
import type { ServiceStack } from "../base/service.ts";
import { ServiceManager } from "./notify/service-manager.ts";
import { runUntilStopped } from "./shutdown.ts";

interface RoleDefinition<T extends OptionTable> {
  /** One line for the help. */
  readonly summary: string;
  readonly options: T;
  readonly unsupported: UnsupportedFlags;
  /** What its file may also have: the options of a role that reads the same one. */
  readonly passedOver?: OptionTable;
  /**
   * Starts the parts, adding each to `services` as soon as it runs: they are closed in reverse order.
   * Settles only when the role cannot go on, with the reason.
   */
  run(values: OptionValues<T>, context: RoleContext): Promise<Error>;
}

export interface RoleContext {
  readonly services: ServiceStack;
  /** Aborts when the role is told to stop. */
  readonly stopping: AbortSignal;
  /** To be told when the role serves. */
  readonly manager: ServiceManager;
  readonly log: Logger;
}

/** One of the program's long-running roles, or a command that ends by itself. */
export interface Role {
  readonly summary: string;
  /** What stands behind the verb; by default, options that can also be set elsewhere. */
  readonly usage?: string;
  /** Its options, for people. */
  help(): string;
  /** Runs until it is done, or until a signal or a failure; resolves with the exit code. */
  run(sources: OptionSources): Promise<number>;
}

interface LogOptions {
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat | undefined;
}

/** What a role that never ends by itself returns. */
export function untilStopped(): Promise<Error> {
  return new Promise(() => {});
}

/** Binds a role's options to what it does with them. */
export function defineRole<T extends OptionTable>(
  definition: RoleDefinition<T> & (OptionValues<T> extends LogOptions ? unknown : never),
): Role {
  return {
    summary: definition.summary,
    help: () => describeOptions(definition.options),
    async run(sources) {
      const values = readOptions(definition.options, definition.unsupported, sources, definition.passedOver);
      const { logLevel, logFormat } = values as OptionValues<T> & LogOptions;
      const format = logFormat ?? (process.stderr.isTTY ? "pretty" : "json");
      const log = createLogger({ level: logLevel, format });
      const manager = await ServiceManager.find(sources.environment, log);
      return runUntilStopped((services, stopping) => {
        stopping.addEventListener("abort", () => manager.stopping(), { once: true });
        return definition.run(values, { services, stopping, manager, log });
      }, log);
    },
  };
}
