import { Agent, request as httpRequest } from 'node:http';
import { Agent as SecureAgent, request as secureRequest } from 'node:https';
import { WEBHOOK_TIMEOUT_MS } from './assumptions.js';

/** Connections kept open to receivers; one pool for a sandbox. */
export class Receivers {
  private readonly agent = new Agent({ keepAlive: true });
  private readonly secureAgent = new SecureAgent({ keepAlive: true });

  /** Posts a body; gives the status of the answer, or 0 without one in time. Follows no redirects. Never throws. */
  post(url: string, headers: Record<string, string>, body: string): Promise<number> {
    return new Promise((resolve) => {
      const isSecure = url.startsWith('https:');
      const options = {
        method: 'POST',
        headers: { ...headers, 'content-length': String(Buffer.byteLength(body)) },
        agent: isSecure ? this.secureAgent : this.agent,
        timeout: WEBHOOK_TIMEOUT_MS,
      };
      const sent = (isSecure ? secureRequest : httpRequest)(url, options, (answer) => {
        answer.resume();
        answer.on('end', () => resolve(answer.statusCode ?? 0));
        answer.on('error', () => resolve(0));
      });
      sent.on('timeout', () => sent.destroy(new Error('The receiver took too long.')));
      sent.on('error', () => resolve(0));
      sent.end(body);
    });
  }

  close(): void {
    this.agent.destroy();
    this.secureAgent.destroy();
  }
}
