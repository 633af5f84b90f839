import { Arg, Args, Ctx, ID, Query, Resolver } from 'type-graphql';
import { PaymentMethodRepository } from '../../billing/payment-methods/payment-method.repository.js';
import { Allow, READERS } from '../../graphql/access.js';
import { type ConnectionValue, connection, PageArgs, pageOf } from '../../graphql/connection.js';
import { OutboxEventRepository } from '../../platform/outbox/outbox-event.repository.js';
import { Scope } from '../../platform/tenancy/scope.js';
import { type AuditEvent, AuditEventConnection, shown } from './history.types.js';

@Resolver()
export class HistoryResolver {
  @Allow(...READERS)
  @Query(() => AuditEventConnection, {
    description:
      'What happened to an object, newest first: requests, calls to the processor, webhooks and changes. Empty for an id that is not there.',
  })
  history(
    @Arg('objectId', () => ID, {
      description: 'Any id of ours, of what is deleted too; of a payment method that is not attached yet the id at Tilled.',
    })
    objectId: string,
    @Args(() => PageArgs) args: PageArgs,
    @Ctx() scope: Scope,
  ): Promise<ConnectionValue<AuditEvent>> {
    return connection(this.page(objectId, args, scope));
  }

  private async page(objectId: string, args: PageArgs, scope: Scope) {
    // Until it is attached a payment method has no other id than the processor's.
    const method = objectId.startsWith('pm_') ? await PaymentMethodRepository.of(scope).find(objectId) : null;
    const ids = method === null ? [objectId] : [objectId, method.tilledPaymentMethodId];
    const page = await OutboxEventRepository.of(scope).ofObject(ids, pageOf(args));
    return { ...page, rows: page.rows.map(shown) };
  }
}
