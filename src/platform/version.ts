import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** The folder of our package. */
export const PACKAGE_FOLDER: string = packageOf(import.meta.dirname);

/** The version of what runs here, as its package says it. */
export const VERSION: string = JSON.parse(readFileSync(path.join(PACKAGE_FOLDER, 'package.json'), 'utf8')).version;

/** The folder of the package that a folder of ours lies in: its source, or what was built of it. */
function packageOf(folder: string): string {
  return existsSync(path.join(folder, 'package.json')) ? folder : packageOf(path.dirname(folder));
}
