import { expect, it } from '@jest/globals';
import { judged } from '../../src/platform/db/host-probe.js';

const NODE = { wsrep_on: 'ON', wsrep_reject_queries: 'NONE', read_only: 'OFF' };
const WELL = { wsrep_ready: 'ON', wsrep_cluster_status: 'Primary', wsrep_local_state_comment: 'Synced', wsrep_evs_state: 'OPERATIONAL' };

it.each([
  ['a node that all agree on', 'well', {}, {}],
  ['a node whose server tells nothing of its group', 'well', {}, { wsrep_evs_state: undefined }],
  ['a node that was frozen and looks for the others', 'busy', {}, { wsrep_evs_state: 'GATHER' }],
  ['a node that brings another one up', 'busy', {}, { wsrep_local_state_comment: 'Donor/Desynced' }],
  ['a node that is brought up', 'outside', {}, { wsrep_local_state_comment: 'Joiner' }],
  ['a node without a quorum', 'outside', {}, { wsrep_cluster_status: 'non-Primary' }],
  ['a node that is not ready', 'outside', {}, { wsrep_ready: 'OFF' }],
  ['a node that rejects queries', 'outside', { wsrep_reject_queries: 'ALL' }, {}],
  ['a read-only node', 'standby', { read_only: 'ON' }, {}],
])('%s is %s', (_, standing, variables, status) => {
  expect(judged({ ...NODE, ...variables }, { ...WELL, ...status }).standing).toBe(standing);
});

it.each([
  ['a server of its own is well', {}, 'well'],
  ['a replica stands by', { read_only: 'ON' }, 'standby'],
  ['a replica that nobody may write on stands by', { read_only: 'NO_LOCK_NO_ADMIN' }, 'standby'],
  ['a MySQL replica stands by', { super_read_only: 'ON' }, 'standby'],
])('%s', (_, variables, standing) => {
  expect(judged(variables, {}).standing).toBe(standing);
});
