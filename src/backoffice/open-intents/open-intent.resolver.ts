import { Args, ArgsType, Ctx, Field, FieldResolver, ID, Int, ObjectType, Query, Resolver, Root } from 'type-graphql';
import { Payment } from '../../billing/payments/payment.entity.js';
import { PaymentStatus } from '../../billing/payments/payment.states.js';
import { Refund } from '../../billing/refunds/refund.entity.js';
import { RefundStatus } from '../../billing/refunds/refund.states.js';
import { Allow, READERS } from '../../graphql/access.js';
import { type ConnectionValue, connection, connectionType, PageArgs, pageOf } from '../../graphql/connection.js';
import { describeEnum } from '../../graphql/enums.js';
import { Reads } from '../../graphql/reads/selected-columns.js';
import type { Job } from '../../platform/jobs/job.entity.js';
import { JobRepository } from '../../platform/jobs/job.repository.js';
import { Scope } from '../../platform/tenancy/scope.js';
import { INTENT_KINDS } from './intent-kinds.js';

/** What is happening about an open intent. */
enum OpenIntentState {
  WAITING = 'WAITING',
  RUNNING = 'RUNNING',
  DEAD = 'DEAD',
}
describeEnum(OpenIntentState, {
  name: 'OpenIntentState',
  description: 'What is happening about an open request.',
  values: {
    DEAD: 'It failed too often for a fault of ours and is not tried again until a person says so: find the cause, then `billing jobs retry`.',
    RUNNING: 'Somebody is at it now. Wait.',
    WAITING: 'It is tried again by itself at nextTryAt.',
  },
});

@ObjectType({
  simpleResolvers: true,
  description: 'A mutation that has not ended: its outcome is being found out, or it waits until the processor can do it.',
})
class OpenIntent {
  @Field(() => ID, { description: 'The id of the open request, for `billing jobs retry --id`.' })
  id!: string;

  @Field({ description: 'The mutation, e.g. paymentCapture.' })
  operation!: string;

  @Field(() => ID, { description: "What it is about; of a paymentMethodAttach the processor's id." })
  objectId!: string;

  @Field(() => OpenIntentState, { description: 'What is happening about it.' })
  state!: OpenIntentState;

  @Field(() => Date, { description: 'When it was asked for.' })
  since!: Date;

  @Field(() => Int, { description: 'How long it has been open, in seconds.' })
  ageSeconds!: number;

  @Field(() => Int, { description: 'How many tries failed for a fault of ours.' })
  failedTries!: number;

  @Field(() => Date, { nullable: true, description: 'When it is tried again; null while it runs, and when it is not tried any more.' })
  nextTryAt!: Date | null;
}

@ObjectType({ description: 'One page of open requests, newest first.' })
class OpenIntentConnection extends connectionType(OpenIntent, 'OpenIntent') {}

@ArgsType()
class OpenIntentsArgs extends PageArgs {
  @Field(() => ID, { nullable: true, description: 'Only those about this object. Absent: all.' })
  objectId?: string | null;
}

@Resolver()
export class OpenIntentResolver {
  @Allow(...READERS)
  @Query(() => OpenIntentConnection, { description: 'Mutations of any kind whose outcome is not certain yet, newest first.' })
  openIntents(@Args(() => OpenIntentsArgs) args: OpenIntentsArgs, @Ctx() scope: Scope): Promise<ConnectionValue<OpenIntent>> {
    return connection(this.page(args, scope));
  }

  private async page(args: OpenIntentsArgs, scope: Scope) {
    const page = await JobRepository.of(scope).list(pageOf(args), { kinds: INTENT_KINDS, subject: args.objectId ?? null });
    const now = await JobRepository.of(scope).now();
    return { ...page, rows: page.rows.map((job) => shown(job, now)) };
  }
}

@Resolver(() => Payment)
export class PaymentUnknownResolver {
  @Reads('status', 'updatedAt')
  @FieldResolver(() => Date, { nullable: true, description: 'Since when it is UNKNOWN what became of it; null when it is known.' })
  unknownSince(@Root() payment: Payment, @Ctx() scope: Scope): Promise<Date> | null {
    return payment.status === PaymentStatus.UNKNOWN ? openSince(scope, payment) : null;
  }
}

@Resolver(() => Refund)
export class RefundUnknownResolver {
  @Reads('status', 'updatedAt')
  @FieldResolver(() => Date, { nullable: true, description: 'Since when it is UNKNOWN what became of it; null when it is known.' })
  unknownSince(@Root() refund: Refund, @Ctx() scope: Scope): Promise<Date> | null {
    return refund.status === RefundStatus.UNKNOWN ? openSince(scope, refund) : null;
  }
}

/** When the oldest open request about a row was made. */
async function openSince(scope: Scope, row: { readonly id: string; readonly updatedAt: Date }): Promise<Date> {
  const [oldest] = await JobRepository.of(scope).about(row.id, INTENT_KINDS);
  return oldest?.createdAt ?? row.updatedAt;
}

const STATES = { due: OpenIntentState.WAITING, running: OpenIntentState.RUNNING, dead: OpenIntentState.DEAD } as const;

function shown(job: Job, now: Date): OpenIntent {
  return {
    id: job.id,
    operation: job.kind,
    objectId: job.subject,
    state: STATES[job.state],
    since: job.createdAt,
    ageSeconds: Math.trunc((now.getTime() - job.createdAt.getTime()) / 1_000),
    failedTries: job.attempts,
    nextTryAt: job.state === 'due' ? job.dueAt : null,
  };
}
