/** Versions that let a job out of its container, or past those who judge requests. Kept by hand: add what becomes known. */
import type { Flaw } from "./version.ts";

/** Below it, an image can run its own code as root on the host. */
export const TOOLKIT_MINIMUM = "1.17.8";

export const TOOLKIT_FLAWS: readonly Flaw[] = [
  { id: "CVE-2024-0132", fixedIn: ["1.16.2"] },
  { id: "CVE-2025-23359", fixedIn: ["1.17.4"] },
  { id: "CVE-2025-23266", fixedIn: ["1.17.8"] },
  { id: "CVE-2025-23267", fixedIn: ["1.17.8"] },
];

const RUNC_MASKED_PATHS = ["1.2.8", "1.3.3", "1.4.0-rc.3"];

export const RUNC_FLAWS: readonly Flaw[] = [
  { id: "CVE-2024-21626", fixedIn: ["1.1.12"] },
  { id: "CVE-2025-31133", fixedIn: RUNC_MASKED_PATHS },
  { id: "CVE-2025-52565", fixedIn: RUNC_MASKED_PATHS },
  { id: "CVE-2025-52881", fixedIn: RUNC_MASKED_PATHS },
];

/** These are of authorization plugins alone. */
export const DOCKER_FLAWS_WITH_PLUGINS: readonly Flaw[] = [
  { id: "CVE-2024-41110", fixedIn: ["25.0.6", "26.1.5", "27.1.1"] },
  { id: "CVE-2026-34040", fixedIn: ["29.3.1"] },
];

/** The oldest series that Docker itself still mends. */
export const DOCKER_OLDEST_SERIES = "25.0";
