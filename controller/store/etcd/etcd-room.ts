/** One member, as it answered. */
export interface MemberHealth {
  readonly endpoint: string;
  readonly version: string;
  /** The size of its file, which counts against its quota, and the part of it that holds something. */
  readonly dbSizeBytes: number;
  readonly dbSizeInUseBytes: number;
  /** How large the file may become. */
  readonly quotaBytes: number;
}

/** From here on an operator is told, and what was is forgotten at once instead of now and then. */
export const WARN_SHARE = 0.6;
/** From here on nothing new is taken: the rest is for what is there. */
const REFUSE_SHARE = 0.8;
/** A file that has grown so far may not grow much more, however little of it holds something: only defragmenting shrinks it. */
const REFUSE_FILE_SHARE = 0.95;

/** How much of its quota the fullest member has taken: of what holds something, and of its file. */
export function fullness(members: readonly MemberHealth[]): { readonly inUse: number; readonly file: number } {
  const most = (shareOf: (member: MemberHealth) => number) => Math.max(0, ...members.map(shareOf));
  return {
    inUse: most(({ dbSizeInUseBytes, quotaBytes }) => dbSizeInUseBytes / quotaBytes),
    file: most(({ dbSizeBytes, quotaBytes }) => dbSizeBytes / quotaBytes),
  };
}

/** Why nothing new is taken, with what an operator must do; undefined while there is room. */
export function shortageOf(
  health: { readonly isFull: boolean; readonly members: readonly MemberHealth[] } | undefined,
  isRefused: boolean,
): string | undefined {
  if (isRefused || health?.isFull) {
    return (
      "etcd is full, and no new jobs are taken until an operator has made room: raise its --quota-backend-bytes, " +
      "run `etcdctl defrag` for every member, then `etcdctl alarm disarm`"
    );
  }
  const { inUse, file } = fullness(health?.members ?? []);
  if (inUse >= REFUSE_SHARE) {
    return (
      `etcd has taken ${percent(inUse)} of its quota, and no new jobs are taken until it is below ${percent(REFUSE_SHARE)}: ` +
      "an operator must raise its --quota-backend-bytes, or keep fewer finished jobs (--keep-finished)"
    );
  }
  if (file < REFUSE_FILE_SHARE) return undefined;
  return (
    `the file of etcd has grown to ${percent(file)} of its quota, and no new jobs are taken until an operator has run ` +
    "`etcdctl defrag` for every member"
  );
}

function percent(share: number): string {
  return `${Math.floor(share * 100)} %`;
}
