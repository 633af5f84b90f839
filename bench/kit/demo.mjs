import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { freePort, startContestant } from './processes.mjs';

/**
 * What `npm start` runs, with data of its own and nothing limited: the embedded database and the demo app.
 * @returns {Promise<{ url: string, pid: number, key: string, dataDir: string, stop(): Promise<void> }>}
 */
export async function startDemo() {
  const dataDir = await mkdtemp(path.join(os.tmpdir(), 'billing-bench-'));
  const environment = {
    NODE_ENV: 'development',
    TILLED_SANDBOX_PORT: String(await freePort()),
    BILLING_DATA_DIR: dataDir,
    BILLING_REQUESTS_PER_WINDOW: '1000000000',
    LOG_LEVEL: 'silent',
  };
  const gateway = await startContestant({ name: 'demo', args: ['dist/src/main.js'], environment });
  const [, key = ''] = /BILLING_SERVICE_KEY=(.*)/.exec(await readFile(path.join(dataDir, 'demo.env'), 'utf8')) ?? [];
  const stop = async () => {
    await gateway.stop();
    await rm(dataDir, { recursive: true, force: true });
  };
  return { url: gateway.url, pid: gateway.pid, key, dataDir, stop };
}
