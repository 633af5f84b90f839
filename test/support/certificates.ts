import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

/** Certificates of a test, made with openssl and gone with `close`. */
export class Certificates {
  private constructor(private readonly directory: string) {}

  /** Two authorities, `ca` and `other`, and what `ca` signed: `server` of localhost and ::1, and `client`. */
  static async make(): Promise<Certificates> {
    const made = new Certificates(await mkdtemp(path.join(tmpdir(), 'bg_test_certificates_')));
    for (const name of ['ca', 'other']) await made.sign(name, []);
    const by = (names: string) => ['-CA', made.file('ca'), '-CAkey', made.key('ca'), '-addext', `subjectAltName=${names}`];
    // Not of this machine's IPv4 address: who verifies that must refuse it.
    await made.sign('server', by('DNS:localhost,IP:::1'));
    await made.sign('client', by('DNS:client.example'));
    return made;
  }

  file(name: string): string {
    return path.join(this.directory, `${name}.pem`);
  }

  key(name: string): string {
    return path.join(this.directory, `${name}.key`);
  }

  close(): Promise<void> {
    return rm(this.directory, { recursive: true, force: true });
  }

  private async sign(name: string, how: readonly string[]): Promise<void> {
    const algorithm = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
    const files = ['-keyout', this.key(name), '-out', this.file(name)];
    await promisify(execFile)('openssl', ['req', '-x509', ...algorithm, '-subj', `/CN=${name}`, ...how, ...files]);
  }
}
