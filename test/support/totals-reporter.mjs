import { writeFileSync } from 'node:fs';

/** A jest reporter: writes the run's totals, as JSON, to the file named by BILLING_TEST_TOTALS, for test/run.mjs to print last. */
export default class TotalsReporter {
  /**
   * @param {unknown} _contexts
   * @param {Record<'numPassedTests' | 'numFailedTests' | 'numRuntimeErrorTestSuites' | 'numPendingTests' | 'numTodoTests', number>} results
   */
  onRunComplete(_contexts, results) {
    const file = process.env.BILLING_TEST_TOTALS;
    if (!file) return;
    const totals = {
      passed: results.numPassedTests,
      // A file that could not even be loaded holds no failed test, but it is a failure all the same.
      failed: results.numFailedTests + results.numRuntimeErrorTestSuites,
      skipped: results.numPendingTests + results.numTodoTests,
    };
    writeFileSync(file, JSON.stringify(totals));
  }
}
