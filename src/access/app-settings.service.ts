import { CancelMode } from '../billing/kit/cancel-mode.js';
import { assertVersion } from '../billing/kit/expected-version.js';
import type { AppSettings } from '../billing/settings/settings.entity.js';
import type { AppSettingsUpdateInput } from '../billing/settings/settings.inputs.js';
import { AppSettingsRepository } from '../billing/settings/settings.repository.js';
import { InvalidInput } from '../platform/errors.js';
import type { Scope } from '../platform/tenancy/scope.js';

/** Names of the IANA database; Intl takes offsets such as +02:00 too, which know no summer time. */
const ZONE_NAME = /^[a-z][\w+-]*(\/[\w+-]+)*$/i;
const TIME_ZONE_CHARS_MAX = 64;
/** As RFC 5646 says that a buffer should be. */
const LOCALE_CHARS_MAX = 35;

/** Changes what an app sets for itself. */
export class AppSettingsService {
  /** Throws InvalidInput, or StaleVersion where the caller decided on older settings. */
  async update(scope: Scope, input: AppSettingsUpdateInput): Promise<AppSettings | null> {
    const changes = changesOf(input);
    await scope.transaction(async (tx) => {
      const settings = await AppSettingsRepository.of(tx).lockOrMake();
      assertVersion(settings, input.expectedVersion);
      Object.assign(settings, changes);
      if (input.portal?.mayCancel) settings.portal = { ...settings.portal, mayCancel: inOrder(input.portal.mayCancel) };
    });
    return AppSettingsRepository.of(scope).findCommitted(scope.appId);
  }
}

function changesOf({ brandName, brandColor, timeZone, locale }: AppSettingsUpdateInput): Partial<AppSettings> {
  const canonical = typeof locale === 'string' ? canonicalLocale(locale) : null;
  const problems = [
    ...(typeof timeZone === 'string' && !isTimeZone(timeZone)
      ? [{ field: ['timeZone'], message: 'timeZone: must be the name of a time zone of the IANA database, e.g. Europe/Berlin.' }]
      : []),
    ...(typeof locale === 'string' && canonical === null
      ? [{ field: ['locale'], message: `locale: must be a BCP 47 tag of at most ${LOCALE_CHARS_MAX} characters, e.g. de or en-GB.` }]
      : []),
  ];
  if (problems.length > 0) throw new InvalidInput(problems);
  return {
    ...(brandName === undefined ? {} : { brandName }),
    ...(brandColor === undefined ? {} : { brandColor: brandColor?.toLowerCase() ?? null }),
    ...(timeZone ? { timeZone } : {}),
    ...(canonical === null ? {} : { locale: canonical }),
  };
}

function isTimeZone(name: string): boolean {
  if (name.length > TIME_ZONE_CHARS_MAX || !ZONE_NAME.test(name)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

function canonicalLocale(tag: string): string | null {
  if (tag.length > LOCALE_CHARS_MAX) return null;
  try {
    const [canonical = ''] = Intl.getCanonicalLocales(tag);
    return canonical.length > LOCALE_CHARS_MAX ? null : canonical;
  } catch {
    return null;
  }
}

/** Each once, in the order of the enum: the same policy is the same text. */
function inOrder(modes: readonly CancelMode[]): CancelMode[] {
  return Object.values(CancelMode).filter((mode) => modes.includes(mode));
}
