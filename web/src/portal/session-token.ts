const KEPT = 'billing-portal-session';

/**
 * The token of the session, from behind the # of the link, where no server sees it. It is kept for this tab, so that
 * the page may be loaded again, and taken out of the address, so that it is neither bookmarked nor shown around.
 */
export function sessionToken(): string | null {
  const given = location.hash.slice(1);
  if (given === '') return sessionStorage.getItem(KEPT);
  history.replaceState(null, '', location.pathname);
  // Whoever follows a link that is none is not shown what another one opened.
  sessionStorage.setItem(KEPT, given);
  return given;
}

/** Forgets it: it is good no longer. */
export function forgetToken(): void {
  sessionStorage.removeItem(KEPT);
}
