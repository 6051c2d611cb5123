/** Where processes run: hosts of their own on a bridge, between which packets can be dropped, or all of them on this host. */
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { withSbin } from "../../support/busybox-root.ts";

const NETNS_DIRECTORY = "/run/netns";
const BRIDGE = "bridge";
const SUBNET = "10.77";
const HOSTS_PER_ROW = 250;

/** A host, as far as the network is concerned. */
export interface Place {
  readonly name: string;
  readonly address: string;
  /** The command that another command stands behind to run there; empty on this host itself. */
  readonly inside: readonly string[];
}

export interface Network {
  /** Whether {@link cut} does anything. */
  readonly isDivisible: boolean;
  place(name: string): Place;
  /** Nothing that one of `from` sends to one of `to` arrives any more: the other direction is left alone. */
  cut(from: readonly Place[], to: readonly Place[]): void;
  /** Everything arrives again. */
  heal(): void;
}

/** All on the loopback interface: nothing can be cut. */
export class Loopback implements Network {
  readonly isDivisible = false;

  place(name: string): Place {
    return { name, address: "127.0.0.1", inside: [] };
  }

  cut(): void {
    throw new Error("the loopback interface cannot be cut");
  }

  heal(): void {
    // Nothing was ever cut.
  }
}

/** A network namespace for each host. The process must already be in namespaces of its own: see `sandbox`. */
export class Bridge implements Network {
  readonly isDivisible = true;
  readonly #places = new Map<string, Place>();
  /** Whose packets each place drops, by the place's name. */
  readonly #dropped = new Map<string, Set<string>>();

  constructor() {
    mkdirSync(NETNS_DIRECTORY, { recursive: true });
    run("mount", "-t", "tmpfs", "tmpfs", NETNS_DIRECTORY);
    run("ip", "link", "set", "lo", "up");
    run("ip", "link", "add", BRIDGE, "type", "bridge");
    run("ip", "link", "set", BRIDGE, "up");
    run("ip", "address", "add", `${SUBNET}.255.254/16`, "dev", BRIDGE);
  }

  place(name: string): Place {
    const number = this.#places.size;
    const address = `${SUBNET}.${Math.floor(number / HOSTS_PER_ROW)}.${(number % HOSTS_PER_ROW) + 1}`;
    run("ip", "netns", "add", name);
    run("ip", "link", "add", `to-${number}`, "type", "veth", "peer", "name", "eth0", "netns", name);
    run("ip", "link", "set", `to-${number}`, "master", BRIDGE, "up");
    run("ip", "-n", name, "link", "set", "lo", "up");
    run("ip", "-n", name, "link", "set", "eth0", "up");
    run("ip", "-n", name, "address", "add", `${address}/16`, "dev", "eth0");
    const place = { name, address, inside: ["nsenter", `--net=${NETNS_DIRECTORY}/${name}`] };
    this.#places.set(name, place);
    return place;
  }

  cut(from: readonly Place[], to: readonly Place[]): void {
    for (const place of to) {
      const dropped = this.#dropped.get(place.name) ?? new Set();
      for (const { address } of from) if (address !== place.address) dropped.add(address);
      this.#dropped.set(place.name, dropped);
      filter(place, dropped);
    }
  }

  heal(): void {
    for (const name of this.#dropped.keys()) {
      const place = this.#places.get(name);
      if (place) filter(place, new Set());
    }
    this.#dropped.clear();
  }
}

function filter({ inside }: Place, dropped: ReadonlySet<string>): void {
  const rules = [...dropped].map((address) => `ip saddr ${address} drop`);
  const chain = ["type filter hook input priority 0; policy accept;", ...rules].join("\n");
  const [command, ...args] = [...inside, "nft", "-f", "-"];
  const input = `flush ruleset\ntable inet chaos {\nchain input {\n${chain}\n}\n}\n`;
  execFileSync(command, args, { input, env: withSbin(), stdio: ["pipe", "ignore", "pipe"] });
}

function run(command: string, ...args: readonly string[]): void {
  execFileSync(command, args, { env: withSbin(), stdio: ["ignore", "ignore", "pipe"] });
}
