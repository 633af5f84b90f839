import type { CardFieldsPlace } from './shapes.ts';

interface Field {
  inject(target: HTMLElement): void;
}

interface Form {
  createField(name: string, options?: { readonly placeholder?: string }): Field;
  build(): Promise<void>;
  teardown(): Promise<boolean>;
}

interface Tilled {
  form(options: { readonly payment_method_type: 'card' }): Promise<Form>;
  createPaymentMethod(details: { readonly form: Form; readonly type: 'card'; readonly billing_details: object }): Promise<{ id: string }>;
}

type TilledClass = new (key: string, account: string) => Tilled;

/** Where a field goes, and what it is called for those who hear the page. */
interface Place {
  readonly element: HTMLElement;
  readonly title: string;
}

/** Where each field goes. */
export interface Places {
  readonly cardNumber: Place;
  readonly cardExpiry: Place;
  readonly cardCvv: Place;
}

/** Who pays with the card, as the bank knows them. */
export interface Holder {
  readonly name: string;
  readonly postalCode: string;
  readonly country: string;
}

/** Fields for a card, which are Tilled's own frames: this page sees nothing of what is typed into them. */
export interface CardFields {
  /** The id of the card that was typed, `pm_…`. Throws where Tilled refuses it. */
  collect(holder: Holder): Promise<string>;
  remove(): void;
}

/** Puts the fields into their places. Throws where Tilled.js cannot be loaded. */
export async function cardFields({ scriptUrl, publishableKey, accountId }: CardFieldsPlace, places: Places): Promise<CardFields> {
  await loaded(scriptUrl);
  const { Tilled } = window as unknown as { readonly Tilled: TilledClass };
  const tilled = new Tilled(publishableKey, accountId);
  const form = await tilled.form({ payment_method_type: 'card' });
  form.createField('cardNumber').inject(places.cardNumber.element);
  form.createField('cardExpiry', { placeholder: 'MM / YY' }).inject(places.cardExpiry.element);
  form.createField('cardCvv').inject(places.cardCvv.element);
  await form.build();
  for (const { element, title } of Object.values(places) as Place[])
    for (const frame of element.querySelectorAll('iframe')) frame.title = title;
  return {
    collect: async ({ name, postalCode, country }) => {
      const billing_details = { name, address: { zip: postalCode, country } };
      return (await tilled.createPaymentMethod({ form, type: 'card', billing_details })).id;
    },
    remove: () => void form.teardown(),
  };
}

const loading = new Map<string, Promise<void>>();

function loaded(src: string): Promise<void> {
  const known = loading.get(src) ?? load(src);
  loading.set(src, known);
  return known;
}

function load(src: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const script = document.createElement('script');
    const failed = () => {
      // So that another try loads it again.
      loading.delete(src);
      reject(new Error('Tilled.js was not loaded.'));
    };
    Object.assign(script, { src, onload: () => resolve(), onerror: failed });
    document.head.append(script);
  });
}
