/** Names that are not a job's own. */

/** Variables that the agent sets, or that would change how the executor itself behaves. */
export const RESERVED_VARIABLE = /^(GPUSCHED_|NVIDIA_|CUDA_VISIBLE_|DOCKER_|LD_PRELOAD$)/;

/** For what gpusched, and those beside it, say of containers. */
export const RESERVED_LABEL = /^(gpusched|com\.docker|io\.kubernetes)([./]|$)/i;
