import { PACKET_BYTES_WANTED, type ServerFaults, type Variables } from './server-faults.js';

/** Fewer nodes have no majority when one of them is lost. */
const NODES_MIN = 3;
/** Of wsrep_ignore_apply_errors: errors of every statement that changes a table. */
const IGNORES_TABLES = 4;

/** Whether it has a word for "on" of those that options of the provider take. */
const isOn = (value: string | undefined): boolean => /^(1|on|yes|true)$/i.test(value ?? '');

/**
 * What is wrong with a node of a Galera cluster, by its variables and its status, besides what holds for every server.
 * Nothing where a server is no node of one.
 */
export function clusterFaults(found: Variables, status: Variables): ServerFaults {
  if ((found.wsrep_provider ?? 'none') === 'none') return { refusals: [], warnings: [] };
  return { refusals: [...alone(found), ...splitBrain(found), ...writeSets(found)], warnings: weaknesses(found, status) };
}

function alone(found: Variables): string[] {
  if (found.wsrep_on === 'ON') return [];
  return ['wsrep_on is OFF: what we write through this node reaches no other. Set wsrep_on=ON.'];
}

function splitBrain(found: Variables): string[] {
  const options = new Map(
    (found.wsrep_provider_options ?? '').split(';').map((option) => option.split('=').map((part) => part.trim()) as [string, string]),
  );
  return ['pc.ignore_quorum', 'pc.ignore_sb']
    .filter((name) => isOn(options.get(name)))
    .map(
      (name) =>
        `${name} is on in wsrep_provider_options: nodes that are cut off from each other go on with books of their own. Take it out.`,
    );
}

function writeSets(found: Variables): string[] {
  const [rows, bytes] = [Number(found.wsrep_max_ws_rows ?? 0), Number(found.wsrep_max_ws_size ?? PACKET_BYTES_WANTED)];
  const format = found.wsrep_forced_binlog_format ?? 'NONE';
  const autoIncrement = found.innodb_autoinc_lock_mode ?? '2';
  return [
    ...(rows === 0
      ? []
      : [`wsrep_max_ws_rows is ${rows}: the node refuses larger transactions, and ours may be. Set wsrep_max_ws_rows=0.`]),
    ...(bytes >= PACKET_BYTES_WANTED
      ? []
      : [`wsrep_max_ws_size is ${bytes}: large transactions would not fit. Set wsrep_max_ws_size=2147483647.`]),
    ...(['NONE', 'ROW'].includes(format)
      ? []
      : [`wsrep_forced_binlog_format is ${format}: the node refuses our writes, which are READ COMMITTED. Set it to NONE.`]),
    ...(autoIncrement === '2' ? [] : [`innodb_autoinc_lock_mode is ${autoIncrement}: Galera needs 2, or nodes come apart. Set it to 2.`]),
  ];
}

function weaknesses(found: Variables, status: Variables): string[] {
  const nodes = Number(status.wsrep_cluster_size ?? NODES_MIN);
  const ignored = Number(found.wsrep_ignore_apply_errors ?? 0);
  return [
    ...(nodes >= NODES_MIN
      ? []
      : [
          `wsrep_cluster_size is ${nodes}: with fewer than ${NODES_MIN} nodes the loss of one stops all. Add nodes, or an arbitrator (garbd).`,
        ]),
    ...((ignored & IGNORES_TABLES) === 0
      ? []
      : [
          `wsrep_ignore_apply_errors is ${ignored}: a node on which a change of a table failed goes on without it, and may lose what it confirms. Set it to 0.`,
        ]),
  ];
}
