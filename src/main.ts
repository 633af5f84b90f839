import { prepareLoading } from './loading.js';

prepareLoading();
const { runGateway } = await import('./gateway.js');
await runGateway();
