import type { IncomingMessage } from 'node:http';
import { BlockList, isIP, isIPv4, SocketAddress } from 'node:net';

/** What everybody is counted as whose address is none: whatever a proxy writes there, it is one bucket. */
const NO_ADDRESS = 'none';

/**
 * What an address is counted as, whatever port, brackets or zone are written with it: an IPv4 address itself, also
 * where it is written as IPv6; of IPv6 the /64 network, all of whose addresses one machine owns; `none` for what is
 * no address.
 */
export function networkOf(text: string): string {
  const address = addressIn(text);
  if (address === null || isIPv4(address)) return address ?? NO_ADDRESS;
  const [head = '', tail = ''] = address.split('::');
  const [groups, end] = [head, tail].map((part) => part.split(':').filter((group) => group !== ''));
  const gap = Array.from({ length: 8 - (groups?.length ?? 0) - (end?.length ?? 0) }, () => '0');
  return `${[...(groups ?? []), ...gap, ...(end ?? [])].slice(0, 4).join(':')}::/64`;
}

/**
 * Who sent a request, as its connection says, or the trusted proxies it came through: of X-Forwarded-For, which the
 * client may have begun, the last address that is no trusted proxy's. As it was written: `networkOf` is what to count.
 */
export function clientAddressReader(trustedProxies: readonly string[]): (request: Pick<IncomingMessage, 'headers' | 'socket'>) => string {
  const isProxy = trustedBy(trustedProxies);
  return ({ headers, socket }) => {
    let hop = socket.remoteAddress ?? '';
    if (!isProxy(hop)) return hop;
    const told = headers['x-forwarded-for'] ?? [];
    const hops = [told].flat().join(',').split(',');
    while (told.length > 0 && hops.length > 0 && isProxy(hop)) hop = hops.pop()?.trim() ?? '';
    return hop;
  };
}

/** Whether an address is one of these, or in one of these networks, whatever port or brackets are written with it. */
export function trustedBy(proxies: readonly string[]): (text: string) => boolean {
  const trusted = new BlockList();
  for (const entry of proxies) {
    const [network = '', bits] = entry.split('/');
    trusted.addSubnet(network, Number(bits ?? (isIPv4(network) ? 32 : 128)), familyOf(network));
  }
  return (text) => {
    const address = proxies.length === 0 ? null : addressIn(text);
    return address !== null && trusted.check(address, familyOf(address));
  };
}

/** The address alone, each in its one form; null where there is none. */
function addressIn(text: string): string | null {
  const [, bracketed, withPort] = /^(?:\[([^\]]*)\](?::\d+)?|([\d.]+):\d+)$/.exec(text) ?? [];
  const [bare = ''] = (bracketed ?? withPort ?? text).split('%');
  switch (isIP(bare)) {
    case 4:
      return bare;
    case 6:
      return plainIPv6(bare);
    default:
      return null;
  }
}

function plainIPv6(address: string): string {
  const { address: plain } = new SocketAddress({ address, family: 'ipv6' });
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(plain)?.[1] ?? plain;
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIPv4(address) ? 'ipv4' : 'ipv6';
}
