import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { SecretUnreadable, Vault } from '../../src/platform/vault.js';

const [key, other] = [randomBytes(32), randomBytes(32)];
const vault = new Vault({ key, previous: null });
const place = ['shop', 'billing_apps.session_secret_sealed', 'shop'];

describe('a sealed text', () => {
  it('opens where it was sealed, and is another one each time', () => {
    const sealed = [vault.seal('sk_secret', place), vault.seal('sk_secret', place)];
    expect(sealed[0]).not.toBe(sealed[1]);
    for (const text of sealed) {
      expect(text).toMatch(/^v1\.[0-9a-f]{8}\.[\w-]{16}\.[\w-]+$/);
      expect(text).not.toContain('secret');
      expect(vault.open(text, place)).toBe('sk_secret');
    }
  });

  it.each([
    ['another app', ['club', 'billing_apps.session_secret_sealed', 'shop']],
    ['another column', ['shop', 'billing_webhook_secrets.secret', 'shop']],
    ['another row', ['shop', 'billing_apps.session_secret_sealed', 'club']],
    ['parts that only read alike', ['shop', 'billing_apps.session_secret_sealed","shop']],
  ])('does not open as one of %s', (_, elsewhere) => {
    const sealed = vault.seal('sk_secret', place);
    expect(() => vault.open(sealed, elsewhere)).toThrow(SecretUnreadable);
  });

  it('does not open when a single bit of it was changed, or its end was cut off, and says nothing of itself', () => {
    const [version, keyId, nonce = '', body = ''] = vault.seal('sk_secret', place).split('.');
    const changed = (text: string) => {
      const bytes = Buffer.from(text, 'base64url');
      bytes[3] = (bytes[3] ?? 0) ^ 1;
      return bytes.toString('base64url');
    };
    for (const [n, b] of [
      [changed(nonce), body],
      [nonce, changed(body)],
      [nonce, body.slice(0, -4)],
      [nonce, ''],
    ]) {
      const open = () => vault.open([version, keyId, n, b].join('.'), place);
      expect(open).toThrow(SecretUnreadable);
      expect(open).not.toThrow(/sk_secret/);
    }
  });

  it('opens with the previous key while that is configured, and with no other', () => {
    const sealed = vault.seal('sk_secret', place);
    const rotating = new Vault({ key: other, previous: key });
    expect(rotating.open(sealed, place)).toBe('sk_secret');
    expect([rotating.isCurrent(sealed), rotating.isCurrent(rotating.seal('x', place))]).toEqual([false, true]);
    const after = new Vault({ key: other, previous: null });
    expect(after.canOpen(sealed)).toBe(false);
    expect(() => after.open(sealed, place)).toThrow(/not configured/);
  });

  it.each(['', 'sk_secret', 'v1', 'v1.a.b', 'v2.a.b.c'])('is not "%s"', (text) => {
    expect([vault.isSealed(text), vault.canOpen(text)]).toEqual([false, false]);
    expect(() => vault.open(text, place)).toThrow(SecretUnreadable);
  });
});

describe('a keyed hash', () => {
  it('is the same with the same key only, and comes with that of the previous key', () => {
    const [own, ...none] = vault.fingerprints('bg_svc_x');
    expect(none).toEqual([]);
    expect(vault.fingerprints('bg_svc_x')).toEqual([own]);
    const both = new Vault({ key: other, previous: key }).fingerprints('bg_svc_x');
    expect(both[1]).toEqual(own);
    expect(both[0].hash).not.toBe(own.hash);
  });
});
