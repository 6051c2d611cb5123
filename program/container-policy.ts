/** What jobs may be on this host: the options of whoever runs them, and the file that root has written. */
import type { KnownPolicy, VolumePrefix } from "../agent/policy/container-policy.ts";
import { readPolicy } from "../agent/policy/read-policy.ts";
import { RequestError } from "../base/errors.ts";
import { UsageError } from "../base/options.ts";

/** @throws UsageError for a file that cannot be used: no start cures that */
export function containerPolicyOf(values: {
  readonly containerPolicy: string | undefined;
  readonly allowVolume: readonly VolumePrefix[] | undefined;
}): KnownPolicy {
  try {
    return readPolicy({ file: values.containerPolicy, allowVolume: values.allowVolume ?? [] });
  } catch (error) {
    throw error instanceof RequestError ? new UsageError(error.message) : error;
  }
}
