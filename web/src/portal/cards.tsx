import { UserError } from '@billing-gateway/client';
import { useCallback, useState } from 'react';
import { Button } from 'react-aria-components';
import type { PaymentMethod } from '../kit/shapes.ts';
import { Action } from './action.tsx';
import { CardForm } from './card-form.tsx';
import { usePortal } from './context.ts';
import { Question } from './question.tsx';
import { Section } from './section.tsx';
import type { Texts } from './texts.ts';
import { useLoaded } from './use-loaded.ts';

/** With what the customer pays. */
export function Cards() {
  const { client, session, texts, tell } = usePortal();
  const [isAdding, setAdding] = useState(false);
  const load = useCallback(
    async (signal: AbortSignal) => {
      const found: PaymentMethod[] = [];
      for await (const method of client.customerPaymentMethods({ id: session.customer.id }, { signal })) found.push(method);
      return found;
    },
    [client, session],
  );
  const [loaded, again] = useLoaded(load);
  const added = () => {
    setAdding(false);
    tell(texts.done);
    again();
  };
  return (
    <Section title={texts.cards} loaded={loaded} onAgain={again}>
      {(methods) => (
        <>
          {methods.length === 0 ? <p>{texts.noCards}</p> : null}
          <ul className="entries">
            {methods.map((method) => (
              <Entry key={method.id} method={method} onChange={again} />
            ))}
          </ul>
          {session.cardFields === null || isAdding ? null : (
            <Button className="primary" onPress={() => setAdding(true)}>
              {texts.addCard}
            </Button>
          )}
          {session.cardFields !== null && isAdding ? (
            <CardForm place={session.cardFields} isFirst={methods.length === 0} onDone={added} onClose={() => setAdding(false)} />
          ) : null}
        </>
      )}
    </Section>
  );
}

function Entry({ method, onChange }: { readonly method: PaymentMethod; readonly onChange: () => void }) {
  const { client, texts, tell } = usePortal();
  const { id, isDefault, expMonth, expYear } = method;
  const name = nameOf(method, texts);
  const after = async (done: Promise<unknown>) => {
    await done;
    tell(texts.done);
    onChange();
  };
  const remove = () =>
    after(client.paymentMethodDetach({ id })).catch((error: unknown) => {
      if (!(error instanceof UserError) || error.code !== 'PAYMENT_METHOD_IN_USE') throw error;
      tell(texts.cardInUse);
    });
  return (
    <li>
      <div>
        <h3>{name}</h3>
        {expMonth === null || expYear === null ? null : <p>{texts.expires(String(expMonth).padStart(2, '0'), expYear)}</p>}
      </div>
      <div className="actions">
        {isDefault ? (
          <span className="badge">{texts.isDefault}</span>
        ) : (
          <Action text={texts.makeDefault} label={texts.makeDefaultNamed(name)} run={() => after(client.paymentMethodSetDefault({ id }))} />
        )}
        <Question text={texts.remove} title={texts.removeNamed(name)} confirm={texts.removeConfirm} keep={texts.keep} run={remove}>
          <p>{texts.removeQuestion}</p>
        </Question>
      </div>
    </li>
  );
}

function nameOf({ brand, last4, bankName, bankLast }: PaymentMethod, texts: Texts): string {
  if (last4 !== null) return texts.card(capitalized(brand ?? ''), last4);
  return texts.account(bankName ?? texts.bank, bankLast ?? '');
}

function capitalized(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
