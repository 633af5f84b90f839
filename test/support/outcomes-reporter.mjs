import { writeFileSync } from 'node:fs';

/** Writes down, by the name of the project, which tests failed, how many passed, and what was said. */
export default class OutcomesReporter {
  outcomes = {};

  /** @param {unknown} _ @param {{ file: string }} options */
  constructor(_, { file }) {
    this.file = file;
  }

  onTestResult({ context }, { testResults, failureMessage }) {
    const failed = testResults.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName);
    const passed = testResults.filter(({ status }) => status === 'passed').length;
    this.outcomes[context.config.displayName.name] = { failed, passed, message: failureMessage ?? '' };
  }

  onRunComplete() {
    writeFileSync(this.file, JSON.stringify(this.outcomes));
  }
}
