/** Whether there is a GPU here that CUDA can use. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";

/** A driver without its persistence daemon wakes every GPU first. */
const ANSWERS_WITHIN_MS = 30_000;
export const CUDA_CHILD = join(import.meta.dirname, "cuda-child.ts");

/** Why not, in a sentence; undefined when there is one. Asked in a process of its own: a sick driver may never answer. */
export function whyNoGpu(): string | undefined {
  const { stdout, error } = spawnSync(process.execPath, [CUDA_CHILD, "count"], {
    encoding: "utf8",
    timeout: ANSWERS_WITHIN_MS,
    killSignal: "SIGKILL",
  });
  if (error) return `CUDA did not answer within ${ANSWERS_WITHIN_MS / 1_000} s: ${error.message}`;
  const line = stdout.split("\n")[0] ?? "";
  if (!line.startsWith("{")) return "CUDA's library ended the process that asked it for devices";
  const told = JSON.parse(line) as { readonly error?: string; readonly devices?: readonly object[] };
  if (told.error?.endsWith("cannot be loaded")) return `this host has no driver of NVIDIA's: ${told.error}`;
  if (told.error !== undefined) return `CUDA does not work on this host: ${told.error}`;
  return told.devices?.length === 0 ? "CUDA finds no GPU on this host" : undefined;
}
