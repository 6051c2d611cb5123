import type { Distribution, JobMetrics, RunMetrics } from "../../controller/replay/metrics.ts";

/** What one policy made of a scenario. */
export interface ScenarioResult {
  readonly scenario: string;
  /** `core: NAME` for the production core, else the baseline's name. */
  readonly policy: string;
  /** Seconds of this machine's time that the replay took. */
  readonly tookS: number;
  /** Figures by name, in the order of the table's columns; NaN where there is nothing of which to take it: null in the JSON. */
  readonly figures: Readonly<Record<string, number>>;
  /** By tenant, where jobs wait; only in the JSON. */
  readonly tenants?: Readonly<Record<string, JobMetrics>>;
}

/** The columns of scenarios in which jobs wait. */
export function queueFigures({ all, bySize, timeline }: RunMetrics): Readonly<Record<string, number>> {
  const wait = known(all.waitS);
  const delay = known(all.delayS);
  const largest = bySize.get("32+");
  const waits = (["1", "2-7", "8-15", "16-31", "32+"] as const).flatMap((size) => {
    const metrics = bySize.get(size);
    return metrics ? [[`wait ${size} s`, known(metrics.waitS).mean] as const] : [];
  });
  return {
    "wait s": wait.mean,
    "p50 s": wait.p50,
    "p90 s": wait.p90,
    "p99 s": wait.p99,
    "max s": wait.max,
    "completion s": known(all.completionS).mean,
    "delay s": delay.mean,
    "delay p99 s": delay.p99,
    slowdown: all.completionS.count === 0 ? Number.NaN : all.boundedSlowdown,
    "util %": timeline.utilisationPercent,
    "busy alloc %": timeline.allocatedWhileQueuedPercent,
    "free GPUs": timeline.unallocatedWhileQueuedGpus,
    "frag %": timeline.fragmentedPercent,
    "unfair %": timeline.unfairPercent,
    preempted: all.preemptions,
    "lost GPU h": all.lostGpuHours,
    unstarted: all.unstarted + all.refused,
    ...Object.fromEntries(waits),
    ...(largest && { "max 32+ s": known(largest.waitS).max }),
  };
}

/** Of nothing there is no mean, and no percentile. */
function known(times: Distribution): Distribution {
  const none = { mean: Number.NaN, p50: Number.NaN, p90: Number.NaN, p99: Number.NaN, max: Number.NaN };
  return times.count === 0 ? { ...times, ...none } : times;
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
  if (Number.isNaN(value)) return "-";
  if (Math.abs(value) >= 1_000) return Math.round(value).toLocaleString("en-US");
  return Number(value.toFixed(Math.abs(value) >= 100 ? 1 : 2)).toString();
}
