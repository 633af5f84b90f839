import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { checkServerIdentity, getCACertificates, type PeerCertificate, type TLSSocket } from 'node:tls';
import type { Connection, SslOptions } from 'mysql2';
import type { DatabaseTls } from '../../config.tls.js';

/** What the driver is told of TLS for a host; nothing where the connection is plain text. */
export function sslOf(tls: DatabaseTls | null, host: string): { readonly ssl?: SslOptions } {
  if (tls === null || tls.mode === 'DISABLED') return {};
  const read = (file: string | null) => (file === null ? undefined : readFileSync(file, 'utf8'));
  const common = { cert: read(tls.cert), key: read(tls.key), rejectUnauthorized: tls.mode !== 'REQUIRED' };
  const authorities = tls.ca === null ? getCACertificates() : [readFileSync(tls.ca, 'utf8')];
  if (!isAddressVerified(tls, host)) return { ssl: { ...common, ca: authorities, verifyIdentity: tls.mode === 'VERIFY_IDENTITY' } };
  return {
    ssl: {
      ...common,
      // A list of its own each time keeps the driver from resuming sessions, in which no certificate is shown.
      get ca() {
        return [...authorities];
      },
    },
  };
}

/**
 * Why a connection is not to the server that was meant, before anything is asked; undefined if it is. Names are
 * verified by the driver; for an address it would verify "localhost" (mysql2 3.24), so these are looked at here.
 */
export function strangerFault(tls: DatabaseTls | null, connection: Connection): Error | undefined {
  const { host = '' } = connection.config;
  if (!isAddressVerified(tls, host)) return undefined;
  const { stream } = connection as unknown as { readonly stream: TLSSocket };
  const fault = checkServerIdentity(host, stream.getPeerCertificate() as PeerCertificate);
  return fault && Object.assign(fault, { code: 'HANDSHAKE_SSL_ERROR' });
}

function isAddressVerified(tls: DatabaseTls | null, host: string): boolean {
  return tls?.mode === 'VERIFY_IDENTITY' && isIP(host) !== 0;
}
