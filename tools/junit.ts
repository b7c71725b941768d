/** Counts of a `deno test` run, from its JUnit file and exit code. */

export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

export interface Run {
  /** The JUnit file; empty if the run didn't get as far as to write it. */
  junit: string;
  exitCode: number;
  /** Paths of the test files, as given to `deno test`. */
  files: readonly string[];
  /** Whether tests were chosen by name, so that a file may rightly have none. */
  filtered: boolean;
}

/**
 * Tests and their steps. A file that didn't load has no entry in the JUnit file and counts as one
 * failure; so does a run that failed otherwise (types, an error between tests), and one of no tests.
 */
export function countTests({ junit, exitCode, files, filtered }: Run): Counts {
  const cases = [...junit.matchAll(/<testcase\b[^>]*?(?:\/>|>([\s\S]*?)<\/testcase>)/g)];
  const outcomes = cases.map((match) => match[1] ?? "");
  const skipped = outcomes.filter((body) => /<skipped\b/.test(body)).length;
  let failed = outcomes.filter((body) => /<(failure|error)\b/.test(body)).length;
  const passed = outcomes.length - failed - skipped;
  if (exitCode !== 0 && junit && !filtered) {
    failed += files.filter((file) => !junit.includes(`<testsuite name="./${file}"`)).length;
  }
  if (failed === 0 && (exitCode !== 0 || passed === 0)) failed = 1;
  return { passed, failed, skipped };
}

/** The last line of a run, which CI reads. */
export function summaryLine({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ""}`;
}
