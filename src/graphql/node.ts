import { Field, ID, InterfaceType } from 'type-graphql';

/** Anything with an id of its own. */
@InterfaceType({ description: 'An object with an opaque, prefixed id: cus_… pm_… sub_… pay_… re_… dp_… dv_… whe_… ev_… we_… wd_…' })
export abstract class Node {
  @Field(() => ID, { description: 'Opaque and never used again. Keep it as text; only the prefix has a meaning.' })
  id!: string;
}
