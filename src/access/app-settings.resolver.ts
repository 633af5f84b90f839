import { Arg, Ctx, Extensions, FieldResolver, Mutation, Resolver } from 'type-graphql';
import { AppSettings } from '../billing/settings/settings.entity.js';
import { AppSettingsPayload, AppSettingsUpdateInput } from '../billing/settings/settings.inputs.js';
import { AppSettingsRepository } from '../billing/settings/settings.repository.js';
import { Allow } from '../graphql/access.js';
import { INPUT } from '../graphql/descriptions.js';
import { MOVES_NO_MONEY } from '../graphql/money.js';
import { type PayloadOf, respond } from '../graphql/payload.js';
import { Scope } from '../platform/tenancy/scope.js';
import { App } from './app.entity.js';
import { AppSettingsService } from './app-settings.service.js';

@Resolver(() => App)
export class AppSettingsResolver {
  constructor(private readonly service: AppSettingsService) {}

  @FieldResolver(() => AppSettings, { description: 'What the app set for itself, and what holds where it set nothing.' })
  settings(@Ctx() scope: Scope): Promise<AppSettings> {
    return AppSettingsRepository.of(scope).current();
  }

  @Allow('service')
  @Extensions(MOVES_NO_MONEY)
  @Mutation(() => AppSettingsPayload, {
    description: 'Changes what the app sets for itself. Customer sessions see it at once, and may do what it says from then on.',
  })
  appSettingsUpdate(
    @Arg('input', () => AppSettingsUpdateInput, { description: INPUT }) input: AppSettingsUpdateInput,
    @Ctx() scope: Scope,
  ): Promise<PayloadOf<'settings', AppSettings>> {
    return respond('settings', input, async () => ({ row: await this.service.update(scope, input), errors: [], replayed: false }));
  }
}
