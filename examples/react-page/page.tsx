import { ApolloProvider, useMutation, useQuery } from '@apollo/client/react';
import { StrictMode, useEffect, useRef, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { ATTACH, apolloClient, askBackend, type Session, SHOP } from './billing.js';
import { type CardFields, cardFields } from './tilled.js';

/** Collects a card and attaches it. */
function CardForm({ session, onDone }: { session: Session; onDone: () => void }) {
  const fields = useRef<Promise<CardFields> | null>(null);
  const [attach] = useMutation(ATTACH);
  const [problem, setProblem] = useState('');
  useEffect(() => {
    fields.current ??= cardFields(session.tilled);
  }, [session]);

  async function submit() {
    try {
      const tilledPaymentMethodId = (await (await fields.current)?.collect()) ?? '';
      // One card is attached once, however often this is sent.
      const input = { customerId: session.customerId, tilledPaymentMethodId, idempotencyKey: `attach ${tilledPaymentMethodId}` };
      const { data } = await attach({ variables: { input } });
      const [refusal] = data?.paymentMethodAttach.userErrors ?? [];
      setProblem(refusal === undefined ? '' : `${refusal.code}: ${refusal.message}`);
      onDone();
    } catch (error) {
      setProblem(String(error));
    }
  }

  return (
    <section>
      <h2>A card</h2>
      <div id="cardNumber" style={{ height: 30 }} />
      <div id="cardExpiry" style={{ height: 30 }} />
      <div id="cardCvv" style={{ height: 30 }} />
      <button type="button" onClick={submit}>
        Attach
      </button>
      <p role="alert">{problem}</p>
    </section>
  );
}

/** Pays an order at the backend: a page's session takes no money. */
function PayForm({ onDone }: { onDone: () => void }) {
  const [amount, setAmount] = useState('1900');
  const [order, setOrder] = useState(() => crypto.randomUUID());
  const [problem, setProblem] = useState('');

  async function submit() {
    try {
      await askBackend('/pay', { order, amountMinor: Number(amount) });
      setProblem('');
      setOrder(crypto.randomUUID());
    } catch (error) {
      // The order stays the same: paid again it is paid once.
      setProblem(error instanceof Error ? error.message : String(error));
    }
    onDone();
  }

  return (
    <section>
      <h2>An order</h2>
      <label>
        Cents <input value={amount} onChange={(event) => setAmount(event.target.value)} />
      </label>
      <button type="button" onClick={submit}>
        Pay
      </button>
      <p role="alert">{problem}</p>
    </section>
  );
}

/** Cards and payments as the gateway has them, and what is to be done with them. */
function Shop({ session }: { session: Session }) {
  const { data, error, refetch } = useQuery(SHOP, { variables: { id: session.customerId } });
  const again = () => void refetch();
  return (
    <main>
      <CardForm session={session} onDone={again} />
      <PayForm onDone={again} />
      {error === undefined ? null : <p role="alert">{error.message}</p>}
      <h2>Cards</h2>
      <ul aria-label="Cards">
        {data?.customer?.paymentMethods.map(({ id, brand, last4 }) => (
          <li key={id}>{`${brand} ${last4}`}</li>
        ))}
      </ul>
      <h2>Payments</h2>
      <ul aria-label="Payments">
        {data?.customer?.payments.nodes.map(({ id, status, failureCode, amount }) => (
          <li key={id}>{`${amount.decimal} ${status} ${failureCode ?? ''}`.trim()}</li>
        ))}
      </ul>
    </main>
  );
}

const session = await askBackend<Session>('/session');
createRoot(document.querySelector('#shop') as HTMLElement).render(
  <StrictMode>
    <ApolloProvider client={apolloClient(session)}>
      <Shop session={session} />
    </ApolloProvider>
  </StrictMode>,
);
