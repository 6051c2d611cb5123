import { RequestError } from "../../../base/errors.ts";
import type { Logger } from "../../../base/logger.ts";
import { type EtcdClient, persistently } from "./etcd-client.ts";

/** The first of each line in which no lease is revoked that is in use, and no member answers with what is long over. */
const SOUND: readonly (readonly [major: number, minor: number, patch: number])[] = [
  [3, 5, 28],
  [3, 6, 9],
];

/** Whether a version is known to lose leases that are renewed in time, or to answer from a state that is over. */
export function hasKnownDefects(version: string): boolean {
  const [, ...parts] = /^(\d+)\.(\d+)\.(\d+)/.exec(version) ?? [];
  const [major = 0, minor = 0, patch = 0] = parts.map(Number);
  const line = SOUND.find((sound) => sound[0] === major && sound[1] === minor);
  if (line) return patch < line[2];
  const [newestMajor = 0, newestMinor = 0] = SOUND.at(-1) ?? [];
  return major < newestMajor || (major === newestMajor && minor < newestMinor);
}

/**
 * Asks every member for its version, until one of them answers.
 *
 * @throws RequestError when a member is too old, unless that is allowed
 */
export async function checkVersions(
  client: EtcdClient,
  { isOldAllowed, log, signal }: { readonly isOldAllowed: boolean; readonly log: Logger; readonly signal: AbortSignal },
): Promise<void> {
  const answers = await persistently(signal, () => versionsOf(client, signal));
  const old = answers.filter(({ version }) => hasKnownDefects(version));
  const [first] = old;
  if (!first) return;
  const what =
    `the etcd at ${first.endpoint} is version ${first.version}, which is known to end leases that are in use and to answer ` +
    "from a state that is over";
  if (isOldAllowed) log.warn({ members: old }, `${what}: allowed by --allow-old-etcd`);
  else throw new RequestError("invalid", `${what}: use 3.6.9 or 3.5.28, or later ones, or give --allow-old-etcd`);
}

async function versionsOf(client: EtcdClient, signal: AbortSignal) {
  const asked = client.endpoints.map(async (endpoint) => {
    const { version } = await client.status(endpoint, { signal });
    return { endpoint, version };
  });
  const settled = await Promise.allSettled(asked);
  const answers = settled.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  // Why the first did not; the others are as far away.
  if (answers.length === 0) await asked[0];
  return answers;
}
