import { createServer } from 'node:http';
import { decodeTime } from 'ulid';

/**
 * A receiver in a process of its own: answers 204 and keeps, of each event, when it came and how long after it was written, ms. Tells its
 * parent its port, and what it has when it is asked.
 */
let received = [];

const server = createServer((request, response) => {
  request.resume();
  request.on('end', () => {
    response.writeHead(204).end();
    const id = request.headers['webhook-id'];
    const at = Date.now();
    received.push({ at, afterMs: id?.startsWith('ev_') ? at - decodeTime(id.slice(3).toUpperCase()) : null });
  });
});
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
process.on('message', (wanted) => {
  if (wanted === 'forget') received = [];
  process.send({
    count: received.length,
    firstAt: received[0]?.at,
    lastAt: received.at(-1)?.at,
    waits: received.map(({ afterMs }) => afterMs),
  });
});
