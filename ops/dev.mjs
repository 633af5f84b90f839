/**
 * `npm run dev`: what `npm start` runs, built and started again whenever a source file is saved. The data directory, and with it the
 * demo app, its key and everything made there, stays. Ctrl-C ends it.
 */
import { join } from 'node:path';
import { outliveSignals, run } from '../test/support/children.mjs';

const project = join(import.meta.dirname, '..');
const tsc = [join(project, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'];

outliveSignals();
process.exitCode = await main();

/** What does not compile is shown and started all the same: the last build that did is there. */
async function main() {
  await run(process.execPath, tsc, { cwd: project });
  const compiling = run(process.execPath, [...tsc, '--watch', '--preserveWatchOutput'], { cwd: project });
  const running = run(process.execPath, ['--watch', '--watch-preserve-output', 'dist/src/main.js'], {
    cwd: project,
  });
  const [status] = await Promise.all([running, compiling]);
  return status;
}
