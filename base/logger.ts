import { type DestinationStream, type Logger as PinoLogger, pino } from "pino";
import pretty from "pino-pretty";

export type Logger = PinoLogger;
export type LogFormat = "json" | "pretty";
export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Logs go to standard error: messages are constant, values are fields. */
export function createLogger(options: { level: LogLevel; format: LogFormat; destination?: DestinationStream }): Logger {
  const destination =
    options.destination ??
    (options.format === "pretty"
      ? pretty({
          destination: 2,
          colorize: process.stderr.isTTY,
          ignore: "pid,hostname",
          translateTime: "SYS:HH:MM:ss.l",
        })
      : pino.destination({ dest: 2, sync: false }));
  const { isoTime: timestamp } = pino.stdTimeFunctions;
  return pino({ level: options.level, base: undefined, timestamp, formatters: { log: withErrors } }, destination);
}

/** pino writes message and stack of an error only if its field is called `err`: in JSON, of any other nothing is left. */
function withErrors(fields: Record<string, unknown>): Record<string, unknown> {
  const errors = Object.entries(fields).filter(([name, value]) => name !== "err" && value instanceof Error);
  if (errors.length === 0) return fields;
  return {
    ...fields,
    ...Object.fromEntries(errors.map(([name, error]) => [name, pino.stdSerializers.err(error as Error)])),
  };
}

/** For tests and tools that must stay quiet. */
export const silentLogger: Logger = pino({ level: "silent" });
