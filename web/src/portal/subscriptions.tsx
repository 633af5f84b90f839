import { useCallback, useState } from 'react';
import { Label, Radio, RadioGroup } from 'react-aria-components';
import type { Subscription } from '../kit/shapes.ts';
import { Action } from './action.tsx';
import { type Portal, usePortal } from './context.ts';
import { Question } from './question.tsx';
import { Section } from './section.tsx';
import { useLoaded } from './use-loaded.ts';

/** What the customer subscribed to, and what they may do about it. */
export function Subscriptions() {
  const { client, session, texts } = usePortal();
  const load = useCallback(
    async (signal: AbortSignal) => {
      const found: Subscription[] = [];
      for await (const subscription of client.customerSubscriptions({ id: session.customer.id }, { signal })) found.push(subscription);
      return found;
    },
    [client, session],
  );
  const [loaded, again] = useLoaded(load);
  return (
    <Section title={texts.subscriptions} loaded={loaded} onAgain={again}>
      {(subscriptions) =>
        subscriptions.length === 0 ? (
          <p>{texts.noSubscriptions}</p>
        ) : (
          <ul className="entries">
            {subscriptions.map((subscription) => (
              <Entry key={subscription.id} subscription={subscription} onChange={again} />
            ))}
          </ul>
        )
      }
    </Section>
  );
}

function Entry({ subscription, onChange }: { readonly subscription: Subscription; readonly onChange: () => void }) {
  const portal = usePortal();
  const { texts, format } = portal;
  const { status, price, intervalCount, intervalUnit } = subscription;
  return (
    <li>
      <div>
        <h3>{nameOf(subscription, portal)}</h3>
        <p>
          {format.money(price)} {texts.per(intervalCount, intervalUnit)}
        </p>
        <p>
          <span className={`badge ${status.toLowerCase()}`}>{texts.status[status]}</span> {whatNext(subscription, portal)}
        </p>
      </div>
      <div className="actions">
        <Actions subscription={subscription} onChange={onChange} />
      </div>
    </li>
  );
}

function Actions({ subscription, onChange }: { readonly subscription: Subscription; readonly onChange: () => void }) {
  const portal = usePortal();
  const { client, settings, texts, tell } = portal;
  const { mayCancel } = settings.portal;
  const { id, status, cancelAtPeriodEnd } = subscription;
  const name = nameOf(subscription, portal);
  if (status === 'CANCELED' || mayCancel.length === 0) return null;
  if (!cancelAtPeriodEnd) return <Cancel subscription={subscription} name={name} onChange={onChange} />;
  if (!mayCancel.includes('AT_PERIOD_END')) return null;
  const takeBack = async () => {
    await client.subscriptionReactivate({ id });
    tell(texts.done);
    onChange();
  };
  return <Action text={texts.takeBack} label={texts.takeBackNamed(name)} run={takeBack} />;
}

interface CancelProps {
  readonly subscription: Subscription;
  readonly name: string;
  readonly onChange: () => void;
}

function Cancel({ subscription, name, onChange }: CancelProps) {
  const { client, settings, texts, format, tell } = usePortal();
  const { mayCancel } = settings.portal;
  // What can be taken back is offered first.
  const [mode, setMode] = useState(mayCancel.find((one) => one === 'AT_PERIOD_END') ?? mayCancel[0]);
  const { id, version, currentPeriodEnd } = subscription;
  const end = currentPeriodEnd === null ? null : format.day(currentPeriodEnd);
  const cancel = async () => {
    if (mode === undefined) return;
    await client.subscriptionCancel({ id, mode, expectedVersion: version });
    tell(texts.done);
    onChange();
  };
  return (
    <Question text={texts.cancel} title={texts.cancelNamed(name)} confirm={texts.cancelConfirm} keep={texts.keep} run={cancel}>
      <RadioGroup value={mode ?? null} onChange={(chosen) => setMode(mayCancel.find((one) => one === chosen))}>
        <Label>{texts.cancelQuestion}</Label>
        {mayCancel.map((one) => (
          <Radio key={one} value={one} className="choice">
            {texts.cancelMode[one](end)}
          </Radio>
        ))}
      </RadioGroup>
    </Question>
  );
}

function nameOf({ planName, planCode }: Subscription, { texts }: Portal): string {
  return planName ?? planCode ?? texts.subscription;
}

/** What becomes of it next, in a sentence. */
function whatNext(subscription: Subscription, { texts, format }: Portal): string {
  const { status, canceledAt, cancelAt, cancelAtPeriodEnd, resumeAt, nextPaymentAt } = subscription;
  if (status === 'CANCELED') return canceledAt === null ? '' : texts.endedOn(format.day(canceledAt));
  if (status === 'PAST_DUE') return texts.pastDue;
  if (status === 'PAUSED') return texts.pausedUntil(resumeAt === null ? null : format.day(resumeAt));
  if (cancelAtPeriodEnd && cancelAt !== null) return texts.endsOn(format.day(cancelAt));
  return nextPaymentAt === null ? '' : texts.nextPayment(format.day(nextPaymentAt));
}
