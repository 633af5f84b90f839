import type { GraphQLResolveInfo } from 'graphql';
import { Args, ArgsType, Ctx, Field, ID, Info, Int, ObjectType, Query, Resolver } from 'type-graphql';
import { Allow, READERS } from '../graphql/access.js';
import { listType, type PageInfo } from '../graphql/connection.js';
import { Scope } from '../platform/tenancy/scope.js';
import { AppEvent } from './app-event.entity.js';
import { EventFeed } from './event.feed.js';
import { mayRead } from './event.visibility.js';
import { typesWanted } from './event-filter.js';

@ObjectType({ description: 'One page of events, oldest first.' })
class EventConnection extends listType(AppEvent, 'Event') {}

@ArgsType()
class EventsArgs {
  @Field(() => Int, { nullable: true, defaultValue: 100, description: 'How many events the page has at most, from 1 to 100.' })
  first!: number;

  @Field(() => String, {
    nullable: true,
    description:
      'The endCursor of the page before, also of an empty one. Absent: the oldest that is kept. BAD_USER_INPUT for a text that is no cursor of this list with these filters, and for one that is older than what is kept.',
  })
  after?: string | null;

  @Field(() => [String], {
    nullable: true,
    description: 'Only events of these types; `payment.*` stands for all that begin so. Absent or empty: all.',
  })
  type?: string[] | null;

  @Field(() => ID, { nullable: true, description: 'Only events of this object. Absent: of all.' })
  objectId?: string | null;
}

@Resolver()
export class EventResolver {
  @Allow(...READERS)
  @Query(() => EventConnection, {
    description:
      'What happened in the app, oldest first, each event once. Read on with `after: endCursor` for ever: the endCursor of an empty page is its `after`, and no event that is committed later comes before it. A key reads events of the objects that it may read.',
  })
  async events(
    @Args(() => EventsArgs) { first, after, type, objectId }: EventsArgs,
    @Ctx() scope: Scope,
    @Info() { schema }: GraphQLResolveInfo,
  ): Promise<EventConnection> {
    const types = typesWanted(type ?? [], 'type').filter((wanted) => mayRead(schema, scope.caller.actor, wanted));
    const page = await new EventFeed(scope).page({ first: first ?? 100, after: after || null, objectId: objectId ?? null, types });
    const edges = page.rows.map((node) => ({ cursor: page.cursorOf(node), node }));
    const pageInfo: PageInfo = {
      hasNextPage: page.hasNextPage,
      hasPreviousPage: Boolean(after),
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? (after || null),
    };
    return { edges, nodes: edges.map(({ node }) => node), pageInfo };
  }
}
