/** Webhooks with one insert a delivery, as sync engines do it: fastify, raw bytes, a prepared upsert on a pool. */
import fastify from 'fastify';
import mysql from 'mysql2/promise';
import { ulid } from 'ulid';
import { isSigned } from '../../dist/bench/peers/signature.js';

const pool = mysql.createPool({ uri: process.env.DATABASE_URL, connectionLimit: 32, timezone: 'Z' });
const server = fastify();
server.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
server.get('/readyz', async () => ({ status: 'ready' }));
server.post('/api/billing/webhooks', async (request, reply) => {
  if (!isSigned(request.headers['tilled-signature'], request.body)) return reply.status(401).send({ received: false });
  const event = JSON.parse(request.body.toString('utf8'));
  await pool.execute(
    "insert into webhooks (id, event_id, app_id, type, status, payload, received_at) values (?, ?, 'bench', ?, 'RECEIVED', ?, ?) on duplicate key update status = status",
    [ulid(), event.id, event.type, request.body.toString('utf8'), new Date()],
  );
  return { received: true };
});
await server.listen({ port: Number(process.env.PORT), host: '127.0.0.1' });
