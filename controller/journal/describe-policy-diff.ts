/** The comparison of policies as the command prints it. */
import { formatTimestamp } from "../../base/time.ts";
import type { Distribution } from "../replay/metrics.ts";
import type { DiffFigures, PolicyDiff } from "./policy-diff.ts";
import type { Certainty } from "./run-truth.ts";

/** What a rerun takes for granted, in sentences: they are printed with every comparison. */
export const ASSUMPTIONS: readonly string[] = [
  "Users ask for the same at the same times, and take jobs back at the same times, whatever becomes of their jobs.",
  "A job runs as long as it really ran, on whichever devices, alone or beside others. Starting and stopping take no time.",
  "Nodes join, change and are lost when they really were. A shorter silence does not matter, and neither does heat.",
  "At the beginning no tenant has used anything, and nothing is known of how long jobs run. Jobs from before it are" +
    " submitted at the beginning, and those that already ran run for the rest of their time.",
  "A stopped job goes on from the last checkpoint that it reported, after running for as long, when it really ran; without" +
    " one it starts anew.",
  "A rerun goes on until all jobs are over; what was recorded ends with the journal.",
];

const CERTAINTY: Readonly<Record<Exclude<Certainty, "whole">, string>> = {
  "at-least": "did not come to their end: they are taken to end where the journal last saw them",
  "until-limit": "were ended by their limit, and are again",
  "until-cancelled": "were taken back by their users, and run until the same time",
  guessed: "never ran: they are taken to run as long as half of their tenant's jobs do",
};

interface Row {
  readonly label: string;
  /** Undefined where no job has such a time. */
  readonly of: (figures: DiffFigures) => number | undefined;
  readonly digits: number;
}

const ROWS: readonly Row[] = [
  { label: "jobs", of: ({ submitted }) => submitted, digits: 0 },
  { label: "never started", of: ({ unstarted, refused }) => unstarted + refused, digits: 0 },
  { label: "wait, mean s", of: ({ waitS }) => ifAny(waitS)?.mean, digits: 1 },
  { label: "wait, p50 s", of: ({ waitS }) => ifAny(waitS)?.p50, digits: 1 },
  { label: "wait, p99 s", of: ({ waitS }) => ifAny(waitS)?.p99, digits: 1 },
  { label: "completion, mean s", of: ({ completionS }) => ifAny(completionS)?.mean, digits: 1 },
  {
    label: "bounded slowdown",
    of: ({ completionS, boundedSlowdown }) => ifAny(completionS) && boundedSlowdown,
    digits: 2,
  },
  { label: "utilisation %", of: ({ utilisationPercent }) => utilisationPercent, digits: 1 },
  { label: "preemptions", of: ({ preemptions }) => preemptions, digits: 0 },
  { label: "lost GPU-hours", of: ({ lostGpuHours }) => lostGpuHours, digits: 2 },
];

/** Of no time at all there is no mean. */
function ifAny(times: Distribution): Distribution | undefined {
  return times.count === 0 ? undefined : times;
}

/** Lines for people: one table for all jobs, and one for each tenant. */
export function describePolicyDiff(diff: PolicyDiff): readonly string[] {
  const { columns, tenants } = diff;
  const sections = [...tenants].flatMap(([id, name]) => {
    const figures = columns.map((column) => column.tenants.get(id));
    return figures.some((own) => own) ? ["", ...tableOf(diff, `tenant ${name} (${id})`, figures)] : [];
  });
  const total = columns.map((column) => column.total);
  return [
    `from ${formatTimestamp(diff.beginsAt)} to ${formatTimestamp(diff.endsAt)}`,
    "",
    ...tableOf(diff, "all jobs", total),
    ...sections,
    "",
    ...notesOn(diff),
    "",
    "The reruns assume:",
    ...ASSUMPTIONS.map((sentence) => `- ${sentence}`),
  ];
}

function tableOf(diff: PolicyDiff, title: string, figures: readonly (DiffFigures | undefined)[]): readonly string[] {
  const rows = ROWS.map(({ label, of, digits }) => [
    `  ${label}`,
    ...figures.map((own) => (own ? (of(own)?.toFixed(digits) ?? "-") : "")),
  ]);
  const lines = [[title, ...diff.columns.map(({ name }) => name)], ...rows];
  const widths = diff.columns.map((_, index) => Math.max(...lines.map((line) => line[index + 1]?.length ?? 0)));
  const titleWidth = Math.max(...lines.map(([label]) => label?.length ?? 0));
  return lines.map(([label = "", ...cells]) => {
    return [label.padEnd(titleWidth), ...cells.map((cell, index) => cell.padStart(widths[index] ?? 0))].join("  ");
  });
}

function notesOn({ certainty, jobsFromBefore, differsFromLine }: PolicyDiff): readonly string[] {
  const known = [...certainty.values()];
  const lines = Object.entries(CERTAINTY).flatMap(([kind, sentence]) => {
    const count = known.filter((own) => own === kind).length;
    return count === 0 ? [] : [`${count} of ${known.length} jobs ${sentence}`];
  });
  const before = jobsFromBefore === 0 ? [] : [`${jobsFromBefore} of ${known.length} jobs are from before the journal`];
  if (lines.length === 0) lines.push(`all ${known.length} jobs ended by themselves: their running times are true`);
  const differs =
    differsFromLine === undefined
      ? []
      : [
          `from line ${differsFromLine} on this version decides otherwise than was recorded, and jobs may not be what they were: see gpusched replay`,
        ];
  return [...differs, ...lines, ...before];
}

/** The same for programs: every figure of every column, and how the running times are known that are not true. */
export function policyDiffJson(diff: PolicyDiff): unknown {
  const { beginsAt, endsAt, tenants, columns, certainty, jobsFromBefore, differsFromLine } = diff;
  return {
    begins_at: formatTimestamp(beginsAt),
    ends_at: formatTimestamp(endsAt),
    columns: columns.map(({ name, total, tenants: own }) => ({
      name,
      total: figuresJson(total),
      tenants: Object.fromEntries([...own].map(([id, figures]) => [id, figuresJson(figures)])),
    })),
    tenant_names: Object.fromEntries(tenants),
    jobs_from_before: jobsFromBefore,
    differs_from_line: differsFromLine ?? null,
    uncertain_run_times: Object.fromEntries([...certainty].filter(([, known]) => known !== "whole")),
    assumptions: ASSUMPTIONS,
  };
}

function figuresJson(figures: DiffFigures) {
  const { submitted, started, refused, waitS, completionS } = figures;
  const wait = ifAny(waitS);
  return {
    jobs: submitted,
    started,
    refused,
    wait_s: { mean: wait?.mean ?? null, p50: wait?.p50 ?? null, p99: wait?.p99 ?? null },
    completion_mean_s: ifAny(completionS)?.mean ?? null,
    bounded_slowdown: ifAny(completionS) ? figures.boundedSlowdown : null,
    utilisation_percent: figures.utilisationPercent,
    gpu_hours: figures.gpuHours,
    preemptions: figures.preemptions,
    lost_gpu_hours: figures.lostGpuHours,
  };
}
