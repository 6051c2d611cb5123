/** `gpusched replay`: runs the journals of controllers through the core again. */
import { UsageError } from "../base/options.ts";
import { version } from "../base/version.ts";
import { describeReplay } from "../controller/journal/describe-replay.ts";
import { type ReplayReport, replayJournal } from "../controller/journal/replay-journal.ts";
import { ExitCode } from "./exit-code.ts";
import { journalFilesOf } from "./journal-files.ts";
import type { Role } from "./role.ts";

export const replayCommand: Role = {
  summary: "runs a controller's journal again, and says whether it decides the same",
  usage: "FILE...",
  help: () =>
    [
      "  FILE    the journal of a term, such as journal.000007; or what --journal named, for all of its terms",
      "",
      "Ends with code 0 if every batch came to the same, 1 if one did not, 65 if a file cannot be used.",
    ].join("\n"),
  async run({ args }) {
    const [option] = args.filter((arg) => arg.startsWith("-"));
    if (option !== undefined) throw new UsageError(`unknown option ${option}`);
    if (args.length === 0) throw new UsageError("a FILE is needed: the journal of a controller");
    const files = (await Promise.all(args.map(journalFilesOf))).flat();
    const codes: number[] = [];
    for (const file of files) {
      if (files.length > 1) console.log(`${file}:`);
      const report = await replayJournal(file);
      for (const line of describeReplay(report, version)) console.log(line);
      codes.push(exitCodeOf(report));
    }
    return codes.find((code) => code === ExitCode.failure) ?? Math.max(...codes);
  },
};

function exitCodeOf({ difference, problem }: ReplayReport): number {
  if (difference) return ExitCode.failure;
  return problem ? ExitCode.unusable : ExitCode.success;
}
