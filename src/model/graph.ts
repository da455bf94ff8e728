/** `target` nodes hold the others of their server or account; `objects` are a selector, `existing` a role that is referenced and never changed, `address` who gets mail. */
export const NODE_KINDS = ['target', 'principal', 'policy', 'user', 'group', 'existing', 'objects', 'alarm', 'topic', 'address'] as const;
export type NodeKind = (typeof NODE_KINDS)[number];
export type EdgeKind = 'member-of' | 'grants-on' | 'owns' | 'may-log-in-as' | 'attached-to' | 'watches' | 'tells';

export type GraphNode = {
  readonly id: string;
  readonly kind: NodeKind;
  readonly label: string;
  /** Id of the target node that it lives in; null for targets and for what no server holds. */
  readonly target: string | null;
};

/** `grants-on` goes from grantee to objects, with the privileges or the profile as its label. */
export type GraphEdge = { readonly from: string; readonly to: string; readonly kind: EdgeKind; readonly label?: string };

/** What the manifest declares, as resources and how they depend on one another. Sorted by id, and by ends. */
export type Graph = { readonly nodes: readonly GraphNode[]; readonly edges: readonly GraphEdge[] };
