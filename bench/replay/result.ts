import type { JobMetrics, RunMetrics } from "../../controller/replay/metrics.ts";

/** What one policy made of a scenario. */
export interface ScenarioResult {
  readonly scenario: string;
  /** `core: NAME` for the production core, else the baseline's name. */
  readonly policy: string;
  /** Seconds of this machine's time that the replay took. */
  readonly tookS: number;
  /** Figures by name, in the order of the table's columns. */
  readonly figures: Readonly<Record<string, number>>;
  /** By tenant, where jobs wait; only in the JSON. */
  readonly tenants?: Readonly<Record<string, JobMetrics>>;
}

/** The columns of scenarios in which jobs wait. */
export function queueFigures({ all, bySize, timeline }: RunMetrics): Readonly<Record<string, number>> {
  const waits = (["1", "2-7", "8-15", "16-31", "32+"] as const).flatMap((size) => {
    const metrics = bySize.get(size);
    return metrics ? [[`wait ${size} s`, metrics.waitS.mean] as const] : [];
  });
  return {
    "wait s": all.waitS.mean,
    "p50 s": all.waitS.p50,
    "p90 s": all.waitS.p90,
    "p99 s": all.waitS.p99,
    "max s": all.waitS.max,
    "completion s": all.completionS.mean,
    "delay s": all.delayS.mean,
    "delay p99 s": all.delayS.p99,
    slowdown: all.boundedSlowdown,
    "util %": timeline.utilisationPercent,
    "busy alloc %": timeline.allocatedWhileQueuedPercent,
    "free GPUs": timeline.unallocatedWhileQueuedGpus,
    "frag %": timeline.fragmentedPercent,
    "unfair %": timeline.unfairPercent,
    preempted: all.preemptions,
    "lost GPU h": all.lostGpuHours,
    unstarted: all.unstarted + all.refused,
    ...Object.fromEntries(waits),
    "max 32+ s": bySize.get("32+")?.waitS.max ?? 0,
  };
}

/** A plain table of the results of one scenario, policies in rows. */
export function formatResults(results: readonly ScenarioResult[]): string {
  const names = [...new Set(results.flatMap(({ figures }) => Object.keys(figures)))];
  const rows = results.map(({ policy, figures, tookS }) => [
    policy,
    ...names.map((name) => formatNumber(figures[name])),
    formatNumber(tookS),
  ]);
  const lines = [["policy", ...names, "took s"], ...rows];
  const widths = lines[0]?.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0))) ?? [];
  const pad = (cell: string, column: number) =>
    column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0);
  return lines.map((line) => line.map(pad).join("  ")).join("\n");
}

function formatNumber(value: number | undefined): string {
  if (value === undefined) return "";
  if (Math.abs(value) >= 1_000) return Math.round(value).toLocaleString("en-US");
  return Number(value.toFixed(Math.abs(value) >= 100 ? 1 : 2)).toString();
}
