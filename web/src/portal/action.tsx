import { useState } from 'react';
import { Button } from 'react-aria-components';
import { usePortal } from './context.ts';

interface ActionProps {
  readonly text: string;
  /** What it does and to what, for those who hear the page. */
  readonly label?: string;
  readonly kind?: 'primary' | 'plain' | 'danger';
  /** Asks for it; what it throws is told. */
  readonly run: () => Promise<void>;
}

/** A button that does one thing at a time. It keeps the focus meanwhile. */
export function Action({ text, label, kind = 'plain', run }: ActionProps) {
  const { onError } = usePortal();
  const [isRunning, setRunning] = useState(false);
  const start = () => {
    if (isRunning) return;
    setRunning(true);
    void run()
      .catch(onError)
      .finally(() => setRunning(false));
  };
  return (
    <Button className={`${kind} ${isRunning ? 'running' : ''}`} aria-label={label} onPress={start}>
      {text}
    </Button>
  );
}
