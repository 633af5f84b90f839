import swc from '@swc/jest';

/**
 * A transformer of jest's that changes one text before it is compiled. Made for one file only; everything else is compiled, and
 * found again in jest's cache, as in any other test.
 */
export default {
  /** @param {{ from: string, to: string }} change */
  createTransformer({ from, to }) {
    const inner = swc.createTransformer();
    /** @param {string} source @param {string} file */
    const changed = (source, file) => {
      const [before, after, ...more] = source.split(from);
      if (after === undefined || more.length > 0) throw new Error(`${file} does not say once: ${from}`);
      return before + to + after;
    };
    return {
      ...inner,
      process: (source, file, options) => inner.process(changed(source, file), file, options),
      processAsync: (source, file, options) => inner.processAsync(changed(source, file), file, options),
      getCacheKey: (source, file, options) => inner.getCacheKey(changed(source, file), file, options),
    };
  },
};
