import type { Reporter, SerializedError, TestModule } from "vitest/node";

/** Counts, and gives the reason of every skip. */
export class SummaryReporter implements Reporter {
  passed = 0;
  failed = 0;
  readonly skips: string[] = [];

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    this.failed += unhandled.length;
    for (const module of modules) {
      // A file that could not be loaded has no tests that could fail.
      this.failed += module.errors().length;
      for (const test of module.children.allTests()) {
        const result = test.result();
        if (result.state === "passed") this.passed += 1;
        else if (result.state === "failed") this.failed += 1;
        else this.skips.push(`${module.relativeModuleId} > ${test.fullName}: ${noteOf(result)}`);
      }
    }
  }

  print(): void {
    for (const skip of this.skips) console.log(`skipped  ${skip}`);
    const skipped = this.skips.length > 0 ? `, ${this.skips.length} skipped` : "";
    console.log(`${this.passed} passed, ${this.failed} failed${skipped}`);
  }
}

function noteOf(result: { readonly note?: string | undefined } | object): string {
  return "note" in result && result.note ? result.note : "no reason was given";
}
