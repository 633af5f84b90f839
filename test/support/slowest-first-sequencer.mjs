import { sep } from 'node:path';
import Sequencer from '@jest/test-sequencer';

const slow = ['scenarios', 'tidy'].map((folder) => `${sep}test${sep}${folder}${sep}`);

/** Whole stories first: a run ends when its last file does, so that had better be a short one. */
export default class SlowestFirstSequencer extends Sequencer {
  sort(tests) {
    const sorted = super.sort(tests);
    const isSlow = ({ path }) => slow.some((folder) => path.includes(folder));
    return [...sorted.filter(isSlow), ...sorted.filter((test) => !isSlow(test))];
  }
}
