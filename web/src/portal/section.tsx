import { type ReactNode, useEffect, useId } from 'react';
import { Button } from 'react-aria-components';
import { usePortal } from './context.ts';
import type { Loaded } from './use-loaded.ts';

interface SectionProps<Value> {
  readonly title: string;
  readonly loaded: Loaded<Value>;
  readonly onAgain: () => void;
  readonly children: (value: Value) => ReactNode;
}

/** A part of the page that loads by itself. */
export function Section<Value>({ title, loaded, onAgain, children }: SectionProps<Value>) {
  const { texts, onError } = usePortal();
  const id = useId();
  const error = loaded.state === 'failed' ? loaded.error : null;
  useEffect(() => {
    if (error !== null) onError(error);
  }, [error, onError]);
  return (
    <section aria-labelledby={id} aria-busy={loaded.state === 'loading'}>
      <h2 id={id}>{title}</h2>
      {loaded.state === 'loading' ? <p>{texts.loading}</p> : null}
      {loaded.state === 'failed' ? <Button onPress={onAgain}>{texts.again}</Button> : null}
      {loaded.state === 'ready' ? children(loaded.value) : null}
    </section>
  );
}
