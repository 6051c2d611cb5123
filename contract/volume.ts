/** Directories and files of a node's host that a job sees. */
import { z } from "zod";
import { flag } from "./text.ts";
import { sourceProblem, targetProblem, targetsProblem } from "./volume-path.ts";

const MAX_VOLUMES = 32;
const pathField = (problemOf: (path: string) => string | undefined) =>
  z.string({ error: "must be a string" }).check((context) => {
    const problem = problemOf(context.value);
    if (problem) context.issues.push({ code: "custom", message: problem, input: context.value });
  });

const volumeSchema = z.strictObject(
  {
    source: pathField(sourceProblem),
    target: pathField(targetProblem),
    read_only: flag().optional(),
  },
  { error: 'must be {"source":"/data","target":"/data","read_only":true}' },
);

/** The field `volumes` of a job. */
export const volumesField = z
  .array(volumeSchema, { error: "must be a list of volumes" })
  .max(MAX_VOLUMES, { error: `must have at most ${MAX_VOLUMES} items` })
  .check((context) => {
    const problem = targetsProblem(context.value.map(({ target }) => target));
    if (problem) context.issues.push({ code: "custom", message: problem, input: context.value });
  });
