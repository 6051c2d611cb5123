/** A job as its clients may see it: a register that is made once, only goes forward, and ends once. */
import type { Operation, Outcome, Seen } from "../workload/operation.ts";
import { type Call, isLinearizable, type Model } from "./linearizability.ts";

type Register = { readonly progress: number; readonly outcome: Outcome | undefined } | "absent";

/**
 * Between operations the job may go forward by itself, and complete or fail; so that an answer may show any later moment than the
 * last one did. Only a cancellation cancels.
 */
const jobRegister: Model<Register, Operation> = {
  initial: "absent",
  keyOf: (job) => (job === "absent" ? job : `${job.progress} ${job.outcome}`),
  step: (job, { request, told }) => {
    if (request === "submit") return job === "absent" ? { progress: 0, outcome: undefined } : undefined;
    if (told.kind === "absent") return job === "absent" ? job : undefined;
    if (job === "absent") return told.kind === "unknown" ? job : undefined;
    if (told.kind === "ended") return seeing(job, { outcome: told.outcome, progress: undefined });
    if (told.kind === "seen") return seeing(job, told.seen);
    if (job.outcome === undefined || job.outcome === "cancelled") return { ...job, outcome: "cancelled" };
    return told.kind === "unknown" ? job : undefined;
  },
};

function seeing(job: Exclude<Register, "absent">, { outcome, progress = job.progress }: Seen): Register | undefined {
  if (job.outcome !== undefined) return outcome === job.outcome ? job : undefined;
  if (outcome === "cancelled" || progress < job.progress) return undefined;
  return { progress, outcome };
}

/** The jobs whose clients were told what cannot be, each with all that they were told. */
export function findUnlinearizable(operations: readonly Operation[]): { job: string; history: Operation[] }[] {
  const told = operations.filter(isEvidence);
  return [...Map.groupBy(told, ({ job }) => job)]
    .filter(([, history]) => !isLinearizable(history.map(toCall), jobRegister))
    .map(([job, history]) => ({ job, history }));
}

/** What was refused did nothing, and a question without an answer tells nothing. */
function isEvidence({ request, told }: Operation): boolean {
  return told.kind !== "refused" && !(request === "read" && told.kind === "unknown");
}

function toCall(operation: Operation): Call<Operation> {
  const { invokedMs, returnedMs } = operation;
  return { operation, invokedMs, returnedMs };
}
