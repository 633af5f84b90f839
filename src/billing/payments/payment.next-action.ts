import { Field, ObjectType } from 'type-graphql';
import type { Scope } from '../../platform/tenancy/scope.js';
import type { TilledPaymentIntent } from '../../tilled/tilled.shapes.js';
import type { Processor } from '../kit/processor.js';
import type { Payment } from './payment.entity.js';
import { PaymentStatus } from './payment.states.js';

/** What is to be done where Tilled names no page: Tilled.js finishes the payment with the client secret. */
const CONFIRM_WITH_CLIENT_SECRET = 'confirm_with_client_secret';

/** What the payer has to do before their payment goes on. */
@ObjectType({ simpleResolvers: true, description: 'What the payer has to do before their payment goes on.' })
export class PaymentNextAction {
  @Field(() => String, {
    description:
      'redirect_to_url: send the payer to `url`. confirm_with_client_secret: finish it in their browser with Tilled.js and `clientSecret`. New types may appear.',
  })
  type!: string;

  @Field(() => String, {
    nullable: true,
    description: "What Tilled.js finishes the payment with. For the payer's browser only: who has it can pay. Neither store nor log it.",
  })
  clientSecret!: string | null;

  @Field(() => String, { nullable: true, description: 'A page for the payer, e.g. of their bank. Null where Tilled.js does it.' })
  url!: string | null;

  @Field(() => Date, { nullable: true, description: 'Until when it can be done; null where the processor says no time.' })
  expiresAt!: Date | null;
}

/**
 * What the payer has to do, as Tilled says it now; null where nothing is. The secret in it is never stored here. Throws
 * ReadRefused or ProcessorUnavailable.
 */
export async function nextActionOf(
  scope: Scope,
  processor: Processor,
  { status, tilledPaymentIntentId }: Payment,
): Promise<PaymentNextAction | null> {
  if (status !== PaymentStatus.REQUIRES_ACTION || tilledPaymentIntentId === null) return null;
  // One after the other: a page of payments is no reason to ask Tilled a hundred things at once.
  const loader = scope.db.loader('payment.nextAction', async (ids: readonly string[]) => {
    const actions: (PaymentNextAction | null)[] = [];
    for (const id of ids) actions.push(shown(await processor.ask(scope, (tilled) => tilled.getPaymentIntent(id))));
    return actions;
  });
  return loader.load(tilledPaymentIntentId);
}

function shown({ status, client_secret: clientSecret, next_action: action }: TilledPaymentIntent): PaymentNextAction | null {
  if (status !== 'requires_action') return null;
  const url = action?.redirect_to_url?.url ?? null;
  const endsAt = action?.expires_at ?? null;
  const expiresAt = endsAt === null ? null : new Date(endsAt);
  return { type: action?.type ?? CONFIRM_WITH_CLIENT_SECRET, clientSecret, url, expiresAt };
}
