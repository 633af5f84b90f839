import module from 'node:module';
import path from 'node:path';

/**
 * How this process loads its modules; to be said before it loads them. What a first start compiles is kept beside the
 * packages for later ones, unless NODE_COMPILE_CACHE names another place or nothing may be written there. Stacks show
 * our own sources; the maps of packages are not read.
 */
export function prepareLoading(): void {
  module.enableCompileCache(path.join(import.meta.dirname, '../../node_modules/.cache/node'));
  module.setSourceMapsSupport(true, { nodeModules: false, generatedCode: false });
}
