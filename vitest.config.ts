import { defineConfig } from "vitest/config";

const UNIT_FOLDERS = ["base", "contract", "controller", "agent", "gateway", "program", "bench"];

export default defineConfig({
  test: {
    watch: false,
    reporters: ["default"],
    projects: [
      {
        test: {
          name: "unit",
          include: UNIT_FOLDERS.map((folder) => `${folder}/**/*.test.ts`),
          testTimeout: 120_000,
          hookTimeout: 20_000,
        },
      },
      { test: { name: "tidy", include: ["test/tidy.test.ts"], testTimeout: 60_000 } },
      { test: { name: "conformance", include: ["test/conformance/**/*.test.ts"], testTimeout: 60_000 } },
      { test: { name: "scenario", include: ["test/scenario/**/*.test.ts"], testTimeout: 60_000 } },
      { test: { name: "simulation", include: ["test/simulation/**/*.test.ts"], testTimeout: 300_000 } },
      { test: { name: "chaos", include: ["test/chaos/**/*.test.ts"], testTimeout: 900_000 } },
      {
        test: {
          name: "integration",
          include: ["test/integration/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          // One after another: these start whole systems, Docker engines included.
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
      {
        test: {
          name: "packaging",
          include: ["test/packaging/**/*.test.ts"],
          // One after another: they build, install and boot.
          fileParallelism: false,
          testTimeout: 900_000,
          hookTimeout: 900_000,
        },
      },
    ],
  },
});
