import { BlockList, isIP, type LookupFunction } from 'node:net';
import { AppError, UserErrorCode } from '../platform/errors.js';
import { namesOf, type Resolve } from './names.js';

/** The code of an error of a connection to an address that is refused. */
export const REFUSED = 'TARGET_REFUSED';

/** Longer addresses fit neither the column nor any server. */
export const URL_CHARS_MAX = 2_048;

/** This host, link-local, metadata services of clouds, many receivers at once: never reached, whoever lists them. */
const NEVER = [
  ...['0.0.0.0/8', '169.254.0.0/16', '100.100.100.200/32', '168.63.129.16/32', '192.0.0.192/32', '224.0.0.0/4', '255.255.255.255/32'],
  ...['::/128', 'fe80::/10', 'fd00:ec2::/32', 'fd20:ce::/32', 'ff00::/8'],
];
/** IPv4 that is not of the public internet. */
const PRIVATE = [
  ...['10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '172.16.0.0/12', '192.0.0.0/24', '192.0.2.0/24', '192.88.99.0/24'],
  ...['192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24', '240.0.0.0/4'],
  // Of IPv6 these lie in what is public, and lead elsewhere: Teredo and its like, documentation, 6to4.
  ...['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'],
];
const PUBLIC_IPV6 = ['2000::/3'];

/** The URL of an endpoint is none that may be delivered to. Nothing was sent there. */
class TargetRefused extends AppError {
  readonly code = UserErrorCode.TARGET_REFUSED;
  override readonly isOutcome = false;
  override readonly field = ['url'];
}

/**
 * Says where deliveries may go: to the public internet by https, and to the networks that the operator lists by http
 * too. An address is judged, never a name: in the look-up of the connection itself, and once more on its socket.
 */
export class TargetGuard {
  private readonly never = listOf(NEVER);
  private readonly private = listOf(PRIVATE);
  private readonly publicIpv6 = listOf(PUBLIC_IPV6);
  private readonly listed: BlockList;

  /** `networks`: addresses and networks of the operator's own that may be reached, e.g. 10.1.0.0/16. */
  constructor(
    private readonly networks: readonly string[],
    // Names that only this host knows lead to nothing but what is listed.
    private readonly resolve: Resolve = namesOf({ knowsHost: networks.length > 0 }),
  ) {
    this.listed = listOf(networks);
  }

  /** The URL as it is kept. Throws TargetRefused for one that can never be delivered to. */
  checkedUrl(text: string): string {
    if (!URL.canParse(text)) throw new TargetRefused('url is not a URL: https://example.com/webhooks is one.');
    const url = new URL(text);
    const isPlain = url.protocol === 'http:' && this.networks.length > 0;
    if (url.protocol !== 'https:' && !isPlain) throw new TargetRefused('url must begin with https://.');
    if (url.username !== '' || url.password !== '') throw new TargetRefused('url must hold no user name and no password.');
    if (url.href.length > URL_CHARS_MAX) throw new TargetRefused(`url must have at most ${URL_CHARS_MAX} characters.`);
    const host = bareHost(url.hostname);
    if (isIP(host) !== 0 && !this.mayReach(host, url.protocol))
      throw new TargetRefused('url leads to an address that is not of the public internet, and that the operator does not list.');
    url.hash = '';
    return url.href;
  }

  /** Whether an address may be connected to. By http only what the operator lists. */
  mayReach(address: string, protocol: string): boolean {
    const plain = plainAddress(address);
    const family = isIP(plain) === 4 ? 'ipv4' : 'ipv6';
    if (isIP(plain) === 0 || this.never.check(plain, family)) return false;
    if (this.listed.check(plain, family)) return true;
    if (protocol !== 'https:' || this.private.check(plain, family)) return false;
    return family === 'ipv4' || this.publicIpv6.check(plain, family);
  }

  /** A look-up for connections that gives only addresses that may be reached; fails with REFUSED if there are none. */
  lookupFor(protocol: string): LookupFunction {
    return (hostname, options, told) => {
      this.resolve(hostname, (error, addresses) => {
        if (error !== null) return told(error, []);
        const family = options.family === 4 || options.family === 6 ? options.family : null;
        const open = addresses.filter((one) => this.mayReach(one.address, protocol) && (family === null || one.family === family));
        const [first] = open;
        if (first === undefined) return told(refusal(), []);
        return options.all === true ? told(null, open) : told(null, first.address, first.family);
      });
    };
  }
}

/** The error of a connection to what may not be reached. It names no address: that would tell of the network here. */
export function refusal(): NodeJS.ErrnoException {
  return Object.assign(new Error('The address is not allowed.'), { code: REFUSED });
}

/** The host of a URL without the brackets of IPv6. */
function bareHost(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, '$1');
}

const MAPPED = /^(?:::ffff:|64:ff9b::)(?:([0-9a-f]{1,4}):)?([0-9a-f]{1,4})$/;

/** IPv4 that is written as IPv6, mapped or to be translated on the way, is that address of IPv4. */
function plainAddress(address: string): string {
  const [bare = ''] = address.split('%');
  if (isIP(bare) !== 6) return bare;
  const [, high = '0', low] = MAPPED.exec(bareHost(new URL(`http://[${bare}]`).hostname)) ?? [];
  if (low === undefined) return bare;
  const [upper, lower] = [Number.parseInt(high, 16), Number.parseInt(low, 16)];
  return [upper >> 8, upper & 255, lower >> 8, lower & 255].join('.');
}

function listOf(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', bits] = network.split('/');
    const family = isIP(address) === 4 ? 'ipv4' : 'ipv6';
    list.addSubnet(address, bits === undefined ? (family === 'ipv4' ? 32 : 128) : Number(bits), family);
  }
  return list;
}
