import type { Connection } from 'mysql2/promise';

/** How the servers of a cluster differ from what they are by themselves. */
export interface ClusterWishes {
  /** Three if absent. */
  readonly size?: number;
  /** Options of every server. */
  readonly settings?: readonly string[];
  /** Run once, before the nodes are copied. */
  readonly statements?: readonly string[];
  /** Every node writes a binary log, also of what was written through the others. */
  readonly keepsLogs?: boolean;
  /** Where they have their data; the system's place for what is temporary if absent. */
  readonly within?: string;
}

/** What an address is made of; `query` begins with a question mark. */
export interface AddressParts {
  readonly user?: 'root' | 'billing';
  readonly name?: string;
  readonly query?: string;
}

/** What a node says of itself. */
export interface NodeState {
  readonly ready: boolean;
  readonly size: number;
  /** `Primary` or `non-Primary`. */
  readonly status: string;
  /** `Synced`, `Donor/Desynced` and more. */
  readonly comment: string;
}

export declare class GaleraCluster {
  static create(wishes?: ClusterWishes): Promise<GaleraCluster>;
  readonly nodes: readonly [GaleraNode, GaleraNode, GaleraNode];
  /** The addresses of all nodes in one, in their order from one of them on. */
  urlOf(parts?: AddressParts & { readonly from?: number }): string;
  /** Resolves once every running node is of one cluster and has all that the others have. Throws after a minute. */
  whole(): Promise<void>;
  /** Begins it anew after all of its nodes were lost, on the one that has the most. Resolves once it is whole. */
  beginAnew(): Promise<void>;
  close(): Promise<void>;
}

export declare class GaleraNode {
  readonly address: string;
  readonly url: string;
  readonly isRunning: boolean;
  /** The file of what its server says. */
  readonly log: string;
  urlOf(parts?: AddressParts): string;
  /** Starts it on the data it had; resolves once it has what the others have. `environment` and `settings` are of this process alone. */
  start(how?: { readonly environment?: Readonly<Record<string, string>>; readonly settings?: readonly string[] }): Promise<void>;
  stop(): Promise<void>;
  kill(): Promise<void>;
  pause(): void;
  resume(): void;
  /** Packets between it and the other nodes, or its clients, are lost from now on, without a word. */
  cutOff(from?: 'group' | 'clients'): Promise<void>;
  joinAgain(from?: 'group' | 'clients'): Promise<void>;
  /** By its socket: whatever became of the network. */
  administer(): Promise<Connection>;
  state(): Promise<NodeState>;
  lastWords(): string;
}

export declare const GALERA_LIBRARIES: readonly string[];
export declare const LIBFAKETIME: readonly string[];
/** What a node is started with so that its clock is off by so much, as `+20s`; time passes for it as for all. */
export declare function clockOff(by: string): Readonly<Record<string, string>>;
export declare function canMakeNetworks(): boolean;
