import { createClient, Unauthenticated, UserError } from '@billing-gateway/client';
import { StrictMode, useCallback, useMemo, useState } from 'react';
import { I18nProvider } from 'react-aria-components';
import { createRoot } from 'react-dom/client';
import { readableOn } from '../kit/color.ts';
import { formatOf } from '../kit/format.ts';
import '../kit/styles.css';
import { Cards } from './cards.tsx';
import { type Portal, PortalContext } from './context.ts';
import { Payments } from './payments.tsx';
import { forgetToken, sessionToken } from './session-token.ts';
import { Subscriptions } from './subscriptions.tsx';
import { textsFor } from './texts.ts';
import { useLoaded } from './use-loaded.ts';

/** Everything but the lists is asked for before anything is shown. */
function PortalPage({ token }: { readonly token: string }) {
  const client = useMemo(() => createClient({ url: location.origin, credential: token }), [token]);
  const load = useCallback(async () => {
    const [app, settings, session] = await Promise.all([client.app(), client.appSettings(), client.session()]);
    if (settings === null) throw new Error('The app has no settings.');
    dress(settings.locale, settings.brandColor, settings.brandName ?? app.name);
    return { client, settings, session, appName: settings.brandName ?? app.name };
  }, [client]);
  const [loaded, again] = useLoaded(load);
  if (loaded.state === 'loading') return <Notice text={textsFor(navigator.language).loading} />;
  if (loaded.state === 'failed') return isEnded(loaded.error) ? <Ended returnUrl={null} /> : <Failed onAgain={again} />;
  return <Opened {...loaded.value} />;
}

function Opened(known: Pick<Portal, 'client' | 'settings' | 'session' | 'appName'>) {
  const { settings, session, appName } = known;
  const [message, setMessage] = useState('');
  const [hasEnded, setEnded] = useState(false);
  const texts = textsFor(settings.locale);
  const format = useMemo(() => formatOf(settings.locale, settings.timeZone), [settings]);
  const portal = useMemo<Portal>(() => {
    const onError = (error: unknown) => {
      if (isEnded(error)) setEnded(true);
      else setMessage(`${texts.failedTitle}. ${CHANGED.has(codeOf(error)) ? texts.changed : texts.failed}`);
    };
    return { client: known.client, settings, session, appName, texts, format, tell: setMessage, onError };
  }, [known.client, settings, session, appName, texts, format]);
  if (hasEnded) return <Ended returnUrl={session.returnUrl} locale={settings.locale} name={appName} />;
  return (
    <I18nProvider locale={settings.locale}>
      <PortalContext value={portal}>
        <header>
          <strong>{appName}</strong>
          {session.returnUrl === null ? null : <a href={session.returnUrl}>{texts.back(appName)}</a>}
        </header>
        <main>
          <h1>{texts.title}</h1>
          <output>{message}</output>
          <Subscriptions />
          <Cards />
          <Payments />
        </main>
      </PortalContext>
    </I18nProvider>
  );
}

function Notice({ text }: { readonly text: string }) {
  return (
    <main>
      <output>{text}</output>
    </main>
  );
}

function Ended({ returnUrl, locale = navigator.language, name = '' }: { returnUrl: string | null; locale?: string; name?: string }) {
  forgetToken();
  const texts = textsFor(locale);
  return (
    <main>
      <h1>{texts.endedTitle}</h1>
      <p role="alert">{texts.ended}</p>
      {returnUrl === null ? null : <a href={returnUrl}>{texts.back(name)}</a>}
    </main>
  );
}

function Failed({ onAgain }: { readonly onAgain: () => void }) {
  const texts = textsFor(navigator.language);
  return (
    <main>
      <h1>{texts.failedTitle}</h1>
      <p role="alert">{texts.failed}</p>
      <button type="button" onClick={onAgain}>
        {texts.again}
      </button>
    </main>
  );
}

function isEnded(error: unknown): boolean {
  return error instanceof Unauthenticated;
}

/** Codes that say that what was shown is so no longer. */
const CHANGED: ReadonlySet<string> = new Set(['STALE_VERSION', 'ILLEGAL_TRANSITION', 'CONFLICT', 'NOT_FOUND']);

function codeOf(error: unknown): string {
  return error instanceof UserError ? error.code : '';
}

/** The page in the app's language and colour. */
function dress(locale: string, color: string | null, name: string): void {
  document.documentElement.lang = locale;
  document.title = name;
  if (color === null) return;
  document.documentElement.style.setProperty('--brand', color);
  document.documentElement.style.setProperty('--on-brand', readableOn(color));
}

const token = sessionToken();
createRoot(document.querySelector('#page') as HTMLElement).render(
  <StrictMode>{token === null ? <Ended returnUrl={null} /> : <PortalPage token={token} />}</StrictMode>,
);
