/** Webhooks as tutorials show them: express.json keeps the raw bytes, the ORM looks whether the event is known, creates it and flushes. */
import 'reflect-metadata';
import { Entity, PrimaryKey, Property, ReflectMetadataProvider, Unique } from '@mikro-orm/decorators/legacy';
import { MikroORM } from '@mikro-orm/mysql';
import express, { type Request } from 'express';
import { ulid } from 'ulid';
import { isSigned } from './signature.js';

@Entity({ tableName: 'webhooks' })
class Webhook {
  @PrimaryKey()
  id!: string;
  @Unique()
  @Property()
  eventId!: string;
  @Property()
  appId!: string;
  @Property()
  type!: string;
  @Property()
  status!: string;
  @Property({ type: 'text' })
  payload!: string;
  @Property({ type: 'datetime' })
  receivedAt!: Date;
}

const orm = await MikroORM.init({
  clientUrl: process.env.DATABASE_URL,
  entities: [Webhook],
  metadataProvider: ReflectMetadataProvider,
  pool: { min: 0, max: 10 },
  forceUtcTimezone: true,
});
const app = express();
app.get('/readyz', (_request, response) => void response.json({ status: 'ready' }));
app.use(
  express.json({
    verify: (request, _response, raw) => {
      (request as Request & { raw: Buffer }).raw = raw;
    },
  }),
);
app.post('/api/billing/webhooks', async (request, response) => {
  const { raw } = request as Request & { raw: Buffer };
  if (!isSigned(request.headers['tilled-signature'] as string | undefined, raw)) return void response.status(401).json({ received: false });
  const em = orm.em.fork();
  const known = await em.findOne(Webhook, { eventId: request.body.id });
  if (known === null) {
    const row = { id: ulid(), eventId: request.body.id, appId: 'bench', type: request.body.type, status: 'RECEIVED' };
    em.persist(em.create(Webhook, { ...row, payload: raw.toString('utf8'), receivedAt: new Date() }));
    await em.flush();
  }
  response.json({ received: true });
});
app.listen(Number(process.env.PORT), '127.0.0.1');
