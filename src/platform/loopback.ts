const LOOPBACK = /^(?:(?:[\w-]+\.)*localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/i;

/**
 * Whether a `Host` header, or the host of a URL with or without its port, is a name of this machine that no other site
 * can have: a name that was made to lead here (DNS rebinding) is none.
 */
export function isLoopbackHost(host: string | undefined): boolean {
  return LOOPBACK.test(host ?? '');
}
