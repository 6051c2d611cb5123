import { existsSync } from "node:fs";

const DEFAULT_DIRECTORY = "/tmp/nvidia-mps";

/**
 * Where NVIDIA's Multi-Process Service answers on this host; undefined when its daemon does not run. The daemon makes the
 * directory when it starts and removes what is in it when it ends.
 */
export function mpsDirectory(): string | undefined {
  const directory = process.env["CUDA_MPS_PIPE_DIRECTORY"] ?? DEFAULT_DIRECTORY;
  return existsSync(`${directory}/control`) ? directory : undefined;
}
