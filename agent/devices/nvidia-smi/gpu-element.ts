/** What `nvidia-smi -q -x` tells of one GPU. Drivers differ in where they tell it: the newest place is looked at first. */
import { parseXml, XmlElement } from "@rgrove/parse-xml";

/** Long, not needed, and not always well-formed: names of processes are anything. */
const LEFT_OUT = /<(supported_clocks|process_name|accounted_processes)>[\s\S]*?<\/\1>/g;

/** One element, or nothing at all: whatever is asked of that is not told. */
export class GpuElement {
  readonly #element: XmlElement | undefined;

  private constructor(element: XmlElement | undefined) {
    this.#element = element;
  }

  /** Throws if it is not XML. Entities other than XML's own are refused. */
  static parse(text: string): GpuElement {
    return new GpuElement(parseXml(text.replace(LEFT_OUT, "")).root ?? undefined);
  }

  get isThere(): boolean {
    return this.#element !== undefined;
  }

  child(...path: string[]): GpuElement {
    return new GpuElement(
      path.reduce<XmlElement | undefined>(
        (element, name) => childrenOf(element).find((one) => one.name === name),
        this.#element,
      ),
    );
  }

  children(name: string): GpuElement[] {
    return childrenOf(this.#element).flatMap((one) => (one.name === name ? new GpuElement(one) : []));
  }

  /** Empty if it is not told. */
  text(...path: string[]): string {
    return this.child(...path).#element?.text.trim() ?? "";
  }

  /** `512 MiB`, `37 %`, `72.13 W`, `-2 C`; undefined for `N/A`, `[Unknown Error]`, sentences, and the like. */
  number(...path: string[]): number | undefined {
    const [, digits] = /^(-?\d+(?:\.\d+)?)(?: [A-Za-z%/]+)?$/.exec(this.text(...path)) ?? [];
    return digits === undefined ? undefined : Number(digits);
  }

  /** `Enabled`, `Active` and `Yes`, or what they deny. */
  flag(...path: string[]): boolean | undefined {
    const text = this.text(...path);
    if (["Enabled", "Active", "Yes"].includes(text)) return true;
    return ["Disabled", "Not Active", "No"].includes(text) ? false : undefined;
  }

  /** What is told of all of them; undefined if none is. */
  sum(...paths: readonly (readonly string[])[]): number | undefined {
    const told = paths.flatMap((path) => this.number(...path) ?? []);
    return told.length === 0 ? undefined : told.reduce((sum, one) => sum + one, 0);
  }
}

function childrenOf(element: XmlElement | undefined): XmlElement[] {
  return element?.children.filter((child) => child instanceof XmlElement) ?? [];
}
