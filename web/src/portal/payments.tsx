import { useCallback, useState } from 'react';
import type { Payment } from '../kit/shapes.ts';
import { Action } from './action.tsx';
import { usePortal } from './context.ts';
import { Section } from './section.tsx';
import { useLoaded } from './use-loaded.ts';

const AT_ONCE = 10;

interface Further {
  readonly nodes: readonly Payment[];
  readonly endCursor: string | null;
  readonly hasNextPage: boolean;
}

/** What was paid, or tried, newest first. */
export function Payments() {
  const { client, session, texts } = usePortal();
  const { id } = session.customer;
  const load = useCallback(() => client.customerPayments({ id, first: AT_ONCE }).page(), [client, id]);
  const [loaded, again] = useLoaded(load);
  const [further, setFurther] = useState<Further | null>(null);
  return (
    <Section title={texts.payments} loaded={loaded} onAgain={again}>
      {(first) => {
        const { endCursor, hasNextPage } = further ?? first;
        const payments = [...first.nodes, ...(further?.nodes ?? [])];
        const more = async () => {
          const page = await client.customerPayments({ id, first: AT_ONCE, after: endCursor }).page();
          setFurther({ ...page, nodes: [...(further?.nodes ?? []), ...page.nodes] });
        };
        return (
          <>
            {payments.length === 0 ? <p>{texts.noPayments}</p> : <Table payments={payments} />}
            {hasNextPage ? <Action text={texts.more} run={more} /> : null}
          </>
        );
      }}
    </Section>
  );
}

function Table({ payments }: { readonly payments: readonly Payment[] }) {
  const { texts, format } = usePortal();
  return (
    <ul className="entries">
      {payments.map(({ id, createdAt, amount, status, refunded, description }) => (
        <li key={id}>
          <div>
            <h3>{format.money(amount)}</h3>
            <p>
              {format.day(createdAt)}
              {description === null ? '' : ` · ${description}`}
            </p>
          </div>
          <p>
            <span className={`badge ${status.toLowerCase()}`}>{texts.paymentStatus[status]}</span>
            {refunded.amountMinor === 0 ? '' : ` ${texts.refunded(format.money(refunded))}`}
          </p>
        </li>
      ))}
    </ul>
  );
}
