/** What `docker info` tells; missing where the engine is older than the field. */
export interface EngineInfo {
  /** Of its data directory; it stays. */
  readonly ID?: string;
  readonly NCPU?: number;
  readonly InitCommit?: { readonly ID?: string };
  readonly LiveRestoreEnabled?: boolean;
  readonly CgroupDriver?: string;
  /** Where the engine keeps images and containers. */
  readonly DockerRootDir?: string;
  readonly Runtimes?: Readonly<Record<string, unknown>>;
  readonly CDISpecDirs?: readonly string[] | null;
  readonly DiscoveredDevices?: readonly { readonly Source?: string; readonly ID?: string }[] | null;
  readonly ServerVersion?: string;
  /** The storage driver. */
  readonly Driver?: string;
  readonly LoggingDriver?: string;
  readonly Plugins?: { readonly Authorization?: readonly string[] | null; readonly Log?: readonly string[] | null };
  readonly SecurityOptions?: readonly string[] | null;
  readonly CgroupVersion?: string;
}

/** What tells an engine from all others; empty of one that does not say. */
export function engineIdOf({ ID = "" }: EngineInfo): string {
  return ID;
}

/** The versions of the engine and of what it runs. */
export interface EngineVersion {
  readonly Version?: string;
  readonly Components?: readonly { readonly Name?: string; readonly Version?: string }[] | null;
}

export interface EngineEvent {
  readonly Action?: string;
  readonly Actor?: { readonly ID?: string; readonly Attributes?: Readonly<Record<string, string>> };
}
