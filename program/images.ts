import { RegistryAuthError, readRegistryAuths } from "../agent/executor/docker/images/registry-auth.ts";
import { type OptionValues, UsageError } from "../base/options.ts";
import type { imageOptions } from "./options.ts";

/**
 * What an agent is told of images.
 *
 * @throws UsageError for a file of credentials that cannot be used, before anything is started with it
 */
export async function imageSettingsOf(values: OptionValues<typeof imageOptions>) {
  const { registryAuth, pullTimeout: pullStallMs, maxPulls, keepImagesFor: keepImagesForMs } = values;
  try {
    if (registryAuth !== undefined) await readRegistryAuths(registryAuth);
  } catch (error) {
    throw error instanceof RegistryAuthError ? new UsageError(`--registry-auth: ${error.message}`) : error;
  }
  return { registryAuth, pullStallMs, maxPulls, keepImagesForMs };
}
