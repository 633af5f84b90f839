import type { ReactNode } from 'react';
import { Button, Dialog, DialogTrigger, Heading, Modal, ModalOverlay } from 'react-aria-components';
import { Action } from './action.tsx';
import { usePortal } from './context.ts';

interface QuestionProps {
  /** On the button that opens it, and what it does to what. */
  readonly text: string;
  readonly title: string;
  readonly confirm: string;
  readonly keep: string;
  readonly children: ReactNode;
  readonly run: () => Promise<void>;
}

/** A button that asks before it does what cannot simply be undone. */
export function Question({ text, title, confirm, keep, children, run }: QuestionProps) {
  const { onError } = usePortal();
  return (
    <DialogTrigger>
      <Button className="plain" aria-label={title}>
        {text}
      </Button>
      <ModalOverlay className="overlay" isDismissable>
        <Modal className="modal">
          <Dialog role="alertdialog">
            {({ close }) => (
              <>
                <Heading slot="title">{title}</Heading>
                {children}
                <div className="actions">
                  <Button className="plain" onPress={close}>
                    {keep}
                  </Button>
                  <Action kind="danger" text={confirm} run={() => run().catch(onError).finally(close)} />
                </div>
              </>
            )}
          </Dialog>
        </Modal>
      </ModalOverlay>
    </DialogTrigger>
  );
}
