import { type FormEvent, useEffect, useId, useRef, useState } from 'react';
import { Button, Input, Label, TextField } from 'react-aria-components';
import type { CardFieldsPlace } from '../kit/shapes.ts';
import { type CardFields, cardFields } from '../kit/tilled.ts';
import { usePortal } from './context.ts';

interface CardFormProps {
  readonly place: CardFieldsPlace;
  /** Whether there is no other method: then it becomes the default. */
  readonly isFirst: boolean;
  readonly onDone: () => void;
  readonly onClose: () => void;
}

/** Adds a card. What is typed into its three fields goes to Tilled's frames and nowhere else. */
export function CardForm({ place, isFirst, onDone, onClose }: CardFormProps) {
  const { client, session, texts, onError } = usePortal();
  const places = {
    cardNumber: useRef<HTMLDivElement>(null),
    cardExpiry: useRef<HTMLDivElement>(null),
    cardCvv: useRef<HTMLDivElement>(null),
  };
  const [fields, setFields] = useState<CardFields | null>(null);
  const [isSaving, setSaving] = useState(false);
  const [isRefused, setRefused] = useState(false);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the places are there for as long as the form is.
  useEffect(() => {
    const [cardNumber, cardExpiry, cardCvv] = [places.cardNumber.current, places.cardExpiry.current, places.cardCvv.current];
    if (cardNumber === null || cardExpiry === null || cardCvv === null) return;
    const making = cardFields(place, {
      cardNumber: { element: cardNumber, title: texts.number },
      cardExpiry: { element: cardExpiry, title: texts.expiry },
      cardCvv: { element: cardCvv, title: texts.cvc },
    });
    making.then(setFields, onError);
    return () => void making.then((made) => made.remove()).catch(() => undefined);
  }, [place, texts, onError]);

  const save = async (form: FormData, made: CardFields) => {
    const said = (name: string) => String(form.get(name) ?? '').trim();
    const holder = { name: said('name'), postalCode: said('postalCode'), country: said('country').toUpperCase() };
    const tilledPaymentMethodId = await made.collect(holder).catch(() => null);
    if (tilledPaymentMethodId === null) return setRefused(true);
    await client.paymentMethodAttach({ customerId: session.customer.id, tilledPaymentMethodId, setAsDefault: isFirst });
    onDone();
  };
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (fields === null || isSaving) return;
    setSaving(true);
    setRefused(false);
    void save(new FormData(event.currentTarget), fields)
      .catch(onError)
      .finally(() => setSaving(false));
  };
  return (
    <form className="card-form" onSubmit={submit} aria-label={texts.addCard}>
      <Text name="name" label={texts.name} autoComplete="cc-name" />
      <Frame label={texts.number} at={places.cardNumber} />
      <Frame label={texts.expiry} at={places.cardExpiry} />
      <Frame label={texts.cvc} at={places.cardCvv} />
      <Text name="postalCode" label={texts.postalCode} autoComplete="postal-code" />
      <Text name="country" label={texts.country} autoComplete="country" pattern="[A-Za-z]{2}" value="US" />
      {isRefused ? <p role="alert">{texts.cardRefused}</p> : null}
      <div className="actions">
        <Button className="plain" onPress={onClose}>
          {texts.close}
        </Button>
        <Button className={`primary ${isSaving ? 'running' : ''}`} type="submit" isDisabled={fields === null}>
          {texts.saveCard}
        </Button>
      </div>
    </form>
  );
}

interface TextProps {
  readonly name: string;
  readonly label: string;
  readonly autoComplete: string;
  readonly pattern?: string;
  readonly value?: string;
}

function Text({ name, label, autoComplete, pattern, value = '' }: TextProps) {
  return (
    <TextField name={name} isRequired defaultValue={value} autoComplete={autoComplete} {...(pattern !== undefined && { pattern })}>
      <Label>{label}</Label>
      <Input />
    </TextField>
  );
}

function Frame({ label, at }: { readonly label: string; readonly at: React.Ref<HTMLDivElement> }) {
  const id = useId();
  return (
    // biome-ignore lint/a11y/useSemanticElements: what is typed into is a frame of Tilled's.
    <div role="group" aria-labelledby={id}>
      <span id={id} className="label">
        {label}
      </span>
      <div className="frame" ref={at} />
    </div>
  );
}
