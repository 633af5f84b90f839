import http, { type IncomingHttpHeaders } from 'node:http';
import https from 'node:https';
import { text } from 'node:stream/consumers';

/** What is sent. */
export interface Message {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Asked on an open connection, right before the bytes go out; on a no nothing is sent. */
  readonly maySend?: (() => boolean) | undefined;
}

/** What came back. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** What Tilled calls the request. */
  readonly requestId: string | null;
  readonly body: string;
}

/** The code of an error that says that the right to send it had ended before it could be sent. */
export const LAPSED = 'LAPSED';

/**
 * Connections are kept open and used again, but an idle one is given up before the server would close it, so that a
 * POST does not meet one that is just going away: after 4 s, or 2 s before the server said that it will. If it does all
 * the same, that is a cut like every other.
 */
const KEPT = { keepAlive: true, timeout: 4_000, agentKeepAliveTimeoutBuffer: 2_000 };
const PLAIN = new http.Agent(KEPT);
const ENCRYPTED = new https.Agent(KEPT);

/**
 * Sends it once, and follows no redirect: the key and the request are for Tilled only. Resolves to the whole answer;
 * throws when it does not come within `msMax`, or breaks off: with `wasSent`, which is false as long as no byte of it
 * was handed over. Not by fetch, which may send again by itself, and leaves some 20 kB behind of each call that only a
 * full garbage collection finds.
 */
export function answerTo(url: URL, { body, maySend, ...how }: Message, msMax: number): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = url.protocol === 'https:' ? https.request(url, { ...how, agent: ENCRYPTED }) : http.request(url, { ...how, agent: PLAIN });
    let wasSent = false;
    let isAnswered = false;
    const fail = (error: Error) => reject(Object.assign(error, { wasSent }));
    sent.on('socket', (socket) => {
      // Only now: what is handed over earlier goes out whenever the connection is there, however long that takes.
      const connected = () => {
        wasSent = maySend === undefined || maySend();
        if (wasSent) return sent.end(body);
        fail(Object.assign(new Error('The right to send it has ended.'), { code: LAPSED }));
        sent.destroy();
      };
      if (sent.reusedSocket) connected();
      else socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', connected);
    });
    const patience = setTimeout(() => {
      const code = wasSent ? 'TIMED_OUT' : 'TIMED_OUT_CONNECTING';
      fail(Object.assign(new Error(`There was no answer within ${msMax} ms.`), { code }));
      sent.destroy();
    }, msMax);
    sent.on('response', (response) => {
      isAnswered = true;
      const { statusCode: status = 0, headers } = response;
      const requestId = [headers['request-id']].flat()[0] ?? null;
      text(response).then((body) => resolve({ status, headers, requestId, body }), fail);
    });
    sent.on('error', fail);
    sent.on('close', () => {
      clearTimeout(patience);
      // Node says no more than that when the answer is one that it does not take, such as a change of protocol.
      if (!isAnswered) fail(Object.assign(new Error('The connection was closed without an answer.'), { code: 'CLOSED' }));
    });
  });
}
