import { useCallback, useEffect, useState } from 'react';

/** What is loaded: nothing yet, a value, or why there is none. */
export type Loaded<Value> =
  | { readonly state: 'loading' }
  | { readonly state: 'ready'; readonly value: Value }
  | { readonly state: 'failed'; readonly error: unknown };

/** Loads something, and again when asked to; what was there is shown meanwhile. `load` must not change between renders. */
export function useLoaded<Value>(load: (signal: AbortSignal) => Promise<Value>): readonly [Loaded<Value>, () => void] {
  const [loaded, setLoaded] = useState<Loaded<Value>>({ state: 'loading' });
  const [asked, setAsked] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: asked for once more, it is loaded once more.
  useEffect(() => {
    const ending = new AbortController();
    const unlessEnded = (next: Loaded<Value>) => ending.signal.aborted || setLoaded(next);
    load(ending.signal).then(
      (value) => unlessEnded({ state: 'ready', value }),
      (error: unknown) => unlessEnded({ state: 'failed', error }),
    );
    return () => ending.abort();
  }, [load, asked]);
  return [loaded, useCallback(() => setAsked((count) => count + 1), [])];
}
