/** Cost against size, both on logarithmic axes, as SVG that is readable on light and on dark pages. */

/** A value measured at one size. */
export interface PlotPoint {
  readonly plot: Plot;
  readonly series: string;
  readonly x: number;
  readonly y: number;
}

/** What one picture shows. */
export interface Plot {
  /** Of the file. */
  readonly name: string;
  readonly title: string;
  readonly x: string;
  readonly y: string;
  /** What is aimed at: a dashed line each. */
  readonly targets: readonly { readonly text: string; readonly value: number }[];
}

const WIDTH = 640;
const HEIGHT = 400;
const LEFT = 98;
const RIGHT = 150;
const TOP = 40;
const BOTTOM = 52;
/** Readable on white and on near black. */
const COLOURS = ["#0b7bc1", "#d1661a", "#2c9a5b", "#a255c9"] as const;
const INK = "#7d8590";

/** The plots that points belong to, each with its SVG. */
export function drawPlots(points: readonly PlotPoint[]): ReadonlyMap<string, string> {
  const plots = [...new Set(points.map(({ plot }) => plot))];
  return new Map(
    plots.map((plot) => [
      plot.name,
      draw(
        plot,
        points.filter((point) => point.plot === plot && point.y > 0),
      ),
    ]),
  );
}

type Scale = (value: number) => number;

function draw(plot: Plot, points: readonly PlotPoint[]): string {
  const xs = decades(points.map(({ x }) => x));
  const ys = decades([...points.map(({ y }) => y), ...plot.targets.map(({ value }) => value)]);
  const toX = scale(xs, LEFT, WIDTH - RIGHT);
  const toY = scale(ys, HEIGHT - BOTTOM, TOP);
  const series = [...new Set(points.map((point) => point.series))];
  const lines = series.map((name, index) => {
    const own = points.filter((point) => point.series === name).sort((a, b) => a.x - b.x);
    return drawSeries(name, own, COLOURS[index % COLOURS.length] ?? INK, toX, toY);
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12" fill="${INK}">`,
    text(WIDTH / 2, 20, plot.title, 'text-anchor="middle" font-size="14"'),
    ...xs.map((x) => line(toX(x), TOP, toX(x), HEIGHT - BOTTOM, 'stroke-opacity="0.25"')),
    ...xs.map((x) => text(toX(x), HEIGHT - BOTTOM + 18, label(x), 'text-anchor="middle"')),
    ...ys.map((y) => line(LEFT, toY(y), WIDTH - RIGHT, toY(y), 'stroke-opacity="0.25"')),
    ...ys.map((y) => text(LEFT - 8, toY(y) + 4, label(y), 'text-anchor="end"')),
    text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, plot.x, 'text-anchor="middle"'),
    text(18, (TOP + HEIGHT - BOTTOM) / 2, plot.y, turned(18, (TOP + HEIGHT - BOTTOM) / 2)),
    ...plot.targets.map(({ value }) => line(LEFT, toY(value), WIDTH - RIGHT, toY(value), 'stroke-dasharray="6 4"')),
    ...plot.targets.map(({ text: what, value }) => text(LEFT + 6, toY(value) - 5, what)),
    ...lines,
    "</svg>",
    "",
  ].join("\n");
}

function drawSeries(name: string, points: readonly PlotPoint[], colour: string, toX: Scale, toY: Scale): string {
  const at = points.map(({ x, y }) => `${round(toX(x))},${round(toY(y))}`);
  const dots = points.map(({ x, y }) => `<circle cx="${round(toX(x))}" cy="${round(toY(y))}" r="3"/>`);
  const last = points.at(-1);
  const end = last ? text(toX(last.x) + 8, toY(last.y) + 4, name) : "";
  return `<g fill="${colour}"><polyline points="${at.join(" ")}" fill="none" stroke="${colour}" stroke-width="2"/>${dots.join("")}${end}</g>`;
}

/** Powers of ten that the values lie between. */
function decades(values: readonly number[]): readonly number[] {
  const low = Math.floor(Math.log10(Math.min(...values)));
  const high = Math.max(Math.ceil(Math.log10(Math.max(...values))), low + 1);
  return Array.from({ length: high - low + 1 }, (_, index) => 10 ** (low + index));
}

function scale(ticks: readonly number[], from: number, to: number): Scale {
  const [low, high] = [Math.log10(ticks[0] ?? 1), Math.log10(ticks.at(-1) ?? 10)];
  return (value) => from + ((Math.log10(value) - low) / (high - low)) * (to - from);
}

function line(x1: number, y1: number, x2: number, y2: number, rest: string): string {
  return `<line x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}" stroke="${INK}" ${rest}/>`;
}

function text(x: number, y: number, what: string, rest = ""): string {
  return `<text x="${round(x)}" y="${round(y)}" ${rest}>${what.replace(/&/g, "&amp;").replace(/</g, "&lt;")}</text>`;
}

function turned(x: number, y: number): string {
  return `text-anchor="middle" transform="rotate(-90 ${round(x)} ${round(y)})"`;
}

function label(value: number): string {
  return value.toLocaleString("en-US");
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
