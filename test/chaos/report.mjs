import { compare } from './compare.mjs';

const SHOWN_MAX = 10;

/**
 * Our books beside Tilled's, beside what clients were told and beside what they must hold. All lists are empty if nothing is off.
 * @returns {Promise<{ off: Record<string, string[]>, sizes: string[], events: number }>}
 */
export async function inspect({ stage, clients, left }) {
  const tilled = await stage.control('state');
  const { books, violations } = await stage.withBooks(async ({ database, verifyBooks }) => {
    const table = (name) => database.query(`select * from billing_${name}`, []);
    const books = {
      customers: await table('customers'),
      paymentMethods: await table('payment_methods'),
      payments: await table('payments'),
      refunds: await table('refunds'),
      subscriptions: await table('subscriptions'),
    };
    return { books, violations: (await verifyBooks()).violations };
  });
  const off = {
    ...compare({ books, tilled, told: clients.told }),
    'not answered': clients.parked.map(({ operation, input, last }) => `${operation} ${input.idempotencyKey}: ${last}`),
    'work left': left.map(({ kind, subject, state, last_error }) => `${kind} ${subject} ${state} ${last_error ?? ''}`),
    'invariants broken': violations.map(({ invariant, id }) => `${invariant} ${id}`),
  };
  return { off, sizes: Object.entries(books).map(([name, rows]) => `${rows.length} ${name}`), events: tilled.events.length };
}

/** What was asked and answered, a line. */
export function answersLine({ told }) {
  const refused = told.filter(({ errors }) => errors.length > 0).length;
  const repeated = told.filter(({ tries }) => tries > 1).length;
  const answers = told.reduce((sum, one) => sum + one.answers.length, 0);
  return `${told.length} requests told, ${repeated} of them after repeating, ${refused} refused; ${answers} answers`;
}

/** How much is off, a line, and the first cases of each kind. */
export function offLines(off) {
  const totals = Object.entries(off).map(([name, found]) => `${found.length} ${name}`);
  return [
    totals.join(', '),
    ...Object.entries(off).flatMap(([name, found]) => found.slice(0, SHOWN_MAX).map((line) => `  ${name}: ${line}`)),
  ];
}
