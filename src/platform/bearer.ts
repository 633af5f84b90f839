/** What stands behind `Bearer` in an Authorization header, one blank or more after it (RFC 9110); null without it. */
export function bearerOf(authorization: string | undefined): string | null {
  return /^bearer +(\S+)$/i.exec(authorization ?? '')?.[1] ?? null;
}
