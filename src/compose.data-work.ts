import type { GraphQLSchema } from 'graphql';
import { MIGRATIONS } from '../migrations/index.js';
import { AppExport } from './backoffice/app-life/app-export.js';
import { AppLife, type AppLifeParts } from './backoffice/app-life/app-life.service.js';
import { ImportRollback } from './backoffice/imports/import.rollback.js';
import { ImportService } from './backoffice/imports/import.service.js';
import { ImportVerification } from './backoffice/imports/import.verification.js';
import { InspectionService } from './backoffice/inspection/inspection.service.js';
import { PrivacyService } from './backoffice/privacy/privacy.service.js';
import { RetentionService } from './backoffice/retention/retention.js';
import { CustomerAdoption } from './billing/customers/customer.adoption.js';
import { SubscriptionAdoption } from './billing/subscriptions/subscription.adoption.js';
import type { Services, Tools } from './compose.billing.js';
import type { Vault } from './platform/vault.js';

/** What operators and the law ask for: imports, looking at one object, personal data, and what is not kept for ever. */
export type DataWork = ReturnType<typeof composeDataWork>;

/** Everything an operator does to data, above the nouns. */
export function composeDataWork(tools: Tools, services: Services, vault: Vault) {
  const privacy = new PrivacyService(services.customerDeletion, vault);
  const retention = new RetentionService({ jobs: tools.jobs, privacy });
  return { imports: composeImports(tools, services), inspection: new InspectionService(tools.processor), privacy, retention };
}

/** What operators do to whole apps. */
export type AppWork = ReturnType<typeof composeAppWork>;

/** The same, and what is done to whole apps: suspending, resuming, handing out and removing them. */
export function composeAppWork(
  dataWork: DataWork,
  parts: Omit<AppLifeParts, 'privacy' | 'retention'> & { readonly schema: GraphQLSchema },
) {
  const { schema, access } = parts;
  const scopeOf = (appId: string) => access.scopeOf(appId, { kind: 'command' }, { requestId: 'export' });
  const appExport = new AppExport({ schema, scopeOf, newestMigration: MIGRATIONS.at(-1)?.name ?? '' });
  return { ...dataWork, appLife: new AppLife({ ...parts, privacy: dataWork.privacy, retention: dataWork.retention }), appExport };
}

/** Bringing in what was billed elsewhere before, for the command line. */
function composeImports({ processor }: Tools, { customers, paymentMethods, subscriptions, subscriptionMirror }: Services) {
  const customerAdoption = new CustomerAdoption({ processor, customers });
  const subscriptionAdoption = new SubscriptionAdoption({ processor, mirror: subscriptionMirror });
  const parts = { processor, customers, customerAdoption, paymentMethods, subscriptions, subscriptionAdoption };
  return {
    service: new ImportService(parts),
    rollback: new ImportRollback(parts),
    verification: new ImportVerification(processor),
    parseMapping: async (text: string) => (await import('./backoffice/imports/import.mapping.js')).parseMapping(text),
  };
}
