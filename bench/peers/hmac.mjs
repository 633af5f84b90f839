/** Webhooks without a database: node:http, the signature verified, 200. What no design that stores anything can beat. */
import { createServer } from 'node:http';
import { isSigned } from '../../dist/bench/peers/signature.js';

createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const raw = Buffer.concat(chunks);
  const isGood = request.method === 'GET' || isSigned(request.headers['tilled-signature'], raw);
  response.writeHead(isGood ? 200 : 401, { 'content-type': 'application/json' });
  response.end('{"received":true}');
}).listen(Number(process.env.PORT), '127.0.0.1');
