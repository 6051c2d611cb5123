import type { SeenDevice } from "./sighting.ts";

/** How devices contain each other: slices of a GPU, which the driver may not tell apart. */
export class DeviceTree {
  readonly #parents: ReadonlyMap<string, string>;

  constructor(devices: readonly SeenDevice[]) {
    this.#parents = new Map(devices.flatMap(({ id, parentId }) => (parentId === undefined ? [] : [[id, parentId]])));
  }

  /** Whether a process that the driver sees on one may be on the other: they are the same, or one is of the other. */
  overlap(a: string, b: string): boolean {
    return a === b || this.#parents.get(a) === b || this.#parents.get(b) === a;
  }
}
