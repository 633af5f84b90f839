import { assertVersion } from '../billing/kit/expected-version.js';
import { typesWanted } from '../events/event-filter.js';
import { plusMs } from '../platform/clock.js';
import { CursorRepository } from '../platform/cursors.js';
import { Conflict, InvalidInput } from '../platform/errors.js';
import type { LocalMutations } from '../platform/idempotency/local-mutations.js';
import type { LocalMutation, Outcome } from '../platform/idempotency/mutation.js';
import { keyIdOf } from '../platform/idempotency/request-key.js';
import type { Jobs } from '../platform/jobs/jobs.js';
import { newSecret } from '../platform/standard-webhooks.js';
import type { Scope } from '../platform/tenancy/scope.js';
import { DELIVER } from './deliverer.js';
import { WebhookDeliveryRepository } from './delivery.repository.js';
import type { WebhookEndpoint } from './endpoint.entity.js';
import type {
  WebhookEndpointCreateInput,
  WebhookEndpointDeleteInput,
  WebhookEndpointSecretRotateInput,
  WebhookEndpointUpdateInput,
} from './endpoint.inputs.js';
import { WebhookEndpointRepository } from './endpoint.repository.js';
import type { EndpointSecrets } from './endpoint.secrets.js';
import type { TargetGuard } from './target.guard.js';

/** How many endpoints an app may have: as many as are listed. */
const ENDPOINTS_MAX = 50;

const TYPES_MAX = 100;
const HOUR_MS = 3_600_000;
/** Whoever makes an endpoint holds this row, so that two at once do not both make the last one. */
const MAKING = 'webhook_endpoints';
/** What is not known to fail. */
const WELL = { failingSince: null, failures: 0, pausedUntil: null };

interface EndpointServiceParts {
  readonly mutations: LocalMutations;
  readonly jobs: Jobs;
  readonly guard: TargetGuard;
  readonly secrets: EndpointSecrets;
}

/** What a mutation of an endpoint came to; the secret is told only to who had it made. */
export type EndpointOutcome = Outcome<WebhookEndpoint> & { readonly secret: string | null };

type MayTell = (types: readonly string[]) => void;

/** The endpoints of an app: made, changed, deleted, and given new secrets. */
export class WebhookEndpointService {
  constructor(private readonly parts: EndpointServiceParts) {}

  private readonly creation = mutationCalled('webhookEndpointCreate');
  private readonly rotation = mutationCalled('webhookEndpointSecretRotate');
  private readonly updating = mutationCalled('webhookEndpointUpdate');
  private readonly deletion = mutationCalled('webhookEndpointDelete');

  /** `mayTell` throws for types that the caller may not have posted. */
  async create(scope: Scope, input: WebhookEndpointCreateInput, mayTell: MayTell): Promise<EndpointOutcome> {
    const [url, types] = [this.parts.guard.checkedUrl(input.url), checkedTypes(input.types)];
    mayTell(types);
    const secret = newSecret();
    const intend = async (tx: Scope) => {
      await CursorRepository.of(tx).moveTo(MAKING, tx.now().toISOString());
      const endpoints = WebhookEndpointRepository.of(tx);
      if ((await endpoints.live()).length >= ENDPOINTS_MAX)
        throw new Conflict(`An app may have ${ENDPOINTS_MAX} endpoints: delete one that is not needed.`);
      const [id, now] = [tx.newId('we'), tx.now()];
      endpoints.add({
        ...{ id, version: 1, url, types, isEnabled: true, disabledReason: null, eventSequence: 0 },
        ...{ secretSealed: this.parts.secrets.seal(secret, tx.appId, id), issuingRequest: requestOf(tx, this.creation, input) },
        ...{ previousSecretSealed: null, previousExpiresAt: null, ...WELL },
        ...{ createdAt: now, updatedAt: now, deletedAt: null },
      });
      return { subject: id, isDone: true as const };
    };
    const outcome = await this.parts.mutations.run(scope, this.creation, { input, intend });
    return { ...outcome, secret: outcome.replayed ? this.secretOf(scope, this.creation, input, outcome) : secret };
  }

  async update(scope: Scope, input: WebhookEndpointUpdateInput, mayTell: MayTell): Promise<EndpointOutcome> {
    const url = typeof input.url === 'string' ? this.parts.guard.checkedUrl(input.url) : null;
    const types = input.types ? checkedTypes(input.types) : null;
    return this.changed(scope, this.updating, input, async (tx, endpoint) => {
      assertVersion(endpoint, input.expectedVersion);
      if (types !== null) endpoint.types = types;
      if (types !== null || url !== null) mayTell(endpoint.types);
      if (url !== null && url !== endpoint.url) Object.assign(endpoint, { url, ...WELL });
      if (input.isEnabled === true && !endpoint.isEnabled) await WebhookDeliveryRepository.of(tx).beginAnew(endpoint.id);
      if (input.isEnabled === true) Object.assign(endpoint, { isEnabled: true, disabledReason: null, ...WELL });
      if (input.isEnabled === false && endpoint.isEnabled)
        Object.assign(endpoint, { isEnabled: false, disabledReason: 'switched_off' as const });
      endpoint.updatedAt = tx.now();
    });
  }

  /** Nothing is sent there any more, and its secrets are forgotten. What was delivered stays listed as usual. */
  async delete(scope: Scope, input: WebhookEndpointDeleteInput): Promise<EndpointOutcome> {
    return this.changed(scope, this.deletion, input, (tx, endpoint) => {
      const now = tx.now();
      Object.assign(endpoint, { isEnabled: false, disabledReason: 'deleted', deletedAt: now, updatedAt: now });
      Object.assign(endpoint, { secretSealed: null, issuingRequest: null, previousSecretSealed: null, previousExpiresAt: null });
    });
  }

  /** From now on both secrets sign, until the overlap is over. A secret that was to go before stays no longer. */
  async rotateSecret(scope: Scope, input: WebhookEndpointSecretRotateInput): Promise<EndpointOutcome> {
    const secret = newSecret();
    const outcome = await this.changed(scope, this.rotation, input, (tx, endpoint) => {
      const now = tx.now();
      const previousExpiresAt = plusMs(now, (input.overlapHours ?? 24) * HOUR_MS);
      Object.assign(endpoint, { previousSecretSealed: this.parts.secrets.demoted(endpoint), previousExpiresAt });
      Object.assign(endpoint, { secretSealed: this.parts.secrets.seal(secret, tx.appId, endpoint.id), updatedAt: now });
      endpoint.issuingRequest = requestOf(tx, this.rotation, input);
    });
    return { ...outcome, secret: outcome.replayed ? this.secretOf(scope, this.rotation, input, outcome) : secret };
  }

  /** Makes sure that what waits for an endpoint has a job, whatever became of the one that it had. */
  async schedule(scope: Scope): Promise<void> {
    for (const id of await WebhookEndpointRepository.of(scope).waitingWithoutJob(DELIVER))
      await scope.transaction((tx) => this.parts.jobs.enqueue(tx, { kind: DELIVER, subject: id }));
  }

  /** The database's time went back: nothing waits so much longer. */
  async pullForward(scope: Scope): Promise<void> {
    await scope.statements((tx) => WebhookDeliveryRepository.of(tx).pullForward());
    await scope.statements((tx) => WebhookEndpointRepository.of(tx).endPauses());
  }

  /** Changes an endpoint under its lock, once for a key, and lets its deliveries look again at how it is. */
  private async changed(
    scope: Scope,
    mutation: LocalMutation<WebhookEndpoint>,
    input: { readonly id: string },
    change: (tx: Scope, endpoint: WebhookEndpoint) => void | Promise<void>,
  ): Promise<EndpointOutcome> {
    const { id } = input;
    const intend = async (tx: Scope) => {
      // An id that is none is no subject of a job either.
      await WebhookEndpointRepository.of(tx).getLive(id);
      // Its job first, as who delivers has them: the other way round they could wait for each other.
      await this.parts.jobs.enqueue(tx, { kind: DELIVER, subject: id });
      await change(tx, await WebhookEndpointRepository.of(tx).lockLive(id));
      return { subject: id, isDone: true as const };
    };
    return { ...(await this.parts.mutations.run(scope, mutation, { input, intend })), secret: null };
  }

  /** For a repeat, whose first answer may have been lost: the secret, if it is still the one that this request made. */
  private secretOf(
    scope: Scope,
    mutation: LocalMutation<WebhookEndpoint>,
    input: object,
    { row }: Outcome<WebhookEndpoint>,
  ): string | null {
    return row !== null && row.issuingRequest === requestOf(scope, mutation, input) ? this.parts.secrets.current(row) : null;
  }
}

function mutationCalled(operation: string): LocalMutation<WebhookEndpoint> {
  return { operation, sells: false, load: (scope, id) => WebhookEndpointRepository.of(scope).findCommitted(id) };
}

function requestOf({ caller }: Scope, { operation }: LocalMutation<WebhookEndpoint>, input: object): string | null {
  return keyIdOf(caller, operation, input);
}

function checkedTypes(types: readonly string[] | null | undefined): readonly string[] {
  const named = [...new Set(types ?? [])];
  if (named.length > TYPES_MAX) throw InvalidInput.because(['types'], `At most ${TYPES_MAX} types may be named.`);
  typesWanted(named, 'types');
  return named;
}
