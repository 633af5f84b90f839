/** As much of tilled.js as this page uses. */
interface Field {
  inject(target: string): void;
}

interface Form {
  createField(name: string, options?: { placeholder: string }): Field;
  build(): Promise<void>;
}

interface Tilled {
  form(options: { payment_method_type: 'card' }): Promise<Form>;
  createPaymentMethod(details: { form: Form; type: 'card'; billing_details: object }): Promise<{ id: string }>;
}

/** Where tilled.js is, and whose card data it collects. */
export interface TilledPlace {
  readonly script: string;
  readonly key: string;
  readonly account: string;
}

/** Fields for a card, which are Tilled's own: neither this page nor its backend sees what is typed. */
export interface CardFields {
  /** The id of the card that was typed, `pm_…`. Throws what Tilled says is wrong with it. */
  collect(): Promise<string>;
}

const FIELDS = { cardNumber: 'Card number', cardExpiry: 'MM / YY', cardCvv: 'CVC' } as const;

/** Puts the fields into the elements #cardNumber, #cardExpiry and #cardCvv. */
export async function cardFields(place: TilledPlace): Promise<CardFields> {
  await loaded(place.script);
  const made = (window as unknown as { Tilled: new (key: string, account: string) => Tilled }).Tilled;
  const tilled = new made(place.key, place.account);
  const form = await tilled.form({ payment_method_type: 'card' });
  for (const [name, placeholder] of Object.entries(FIELDS)) form.createField(name, { placeholder }).inject(`#${name}`);
  await form.build();
  const billing_details = { name: 'Ann Lee', address: { zip: '12345', country: 'US' } };
  return { collect: async () => (await tilled.createPaymentMethod({ form, type: 'card', billing_details })).id };
}

function loaded(src: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const script = document.createElement('script');
    Object.assign(script, { src, onload: () => resolve(), onerror: () => reject(new Error('tilled.js was not loaded.')) });
    document.head.append(script);
  });
}
