import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as ops from '../support/operations.generated.js';
import { World } from '../support/world.js';

describe('RATE_LIMITED', () => {
  let world: World;

  beforeAll(async () => {
    world = await World.create({ requestsPerWindow: 5 });
  });
  afterAll(() => world.close());

  it('lets exactly the limit through, also of requests that come at once', async () => {
    const app = await world.app();
    const answers = await Promise.all(Array.from({ length: 20 }, () => world.send(app, ops.AppDocument, {})));
    expect(answers.filter((answer) => answer.status === 200)).toHaveLength(5);
    expect(answers.filter((answer) => answer.status === 429)).toHaveLength(15);
  });

  it('says when to come back, and keeps other apps out of it', async () => {
    const [busy, calm] = [await world.app(), await world.app()];
    for (let sent = 0; sent < 5; sent += 1) await world.ask(busy, ops.AppDocument, {});
    const refused = await world.send(busy, ops.AppDocument, {});
    expect(refused).toMatchObject({
      status: 429,
      data: null,
      errors: [{ extensions: { code: 'RATE_LIMITED', rateLimit: { limit: 5, remaining: 0 } } }],
    });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await world.ask(calm, ops.AppDocument, {})).toEqual({ app: { id: calm.id, name: expect.any(String) } });
  });
});
