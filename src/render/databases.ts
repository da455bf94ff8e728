import { visible } from './escape.ts';

/** A database server of an account, as far as a list shows it. */
export type DatabaseLine = {
  readonly kind: string;
  readonly identifier: string;
  readonly region: string;
  readonly engine: string;
  readonly version: string;
  readonly status: string;
  readonly endpoint: { readonly host: string; readonly port: number } | null;
  readonly resourceId: string;
  readonly iam: 'on' | 'off' | 'switching-on' | 'switching-off';
};

const IAM: Readonly<Record<DatabaseLine['iam'], string>> = {
  on: 'IAM on',
  off: 'IAM off',
  'switching-on': 'IAM off, being switched on',
  'switching-off': 'IAM on, being switched off',
};

/** One line for each, in columns. */
export const databasesText = (databases: readonly DatabaseLine[]): string => {
  if (databases.length === 0) return 'no clusters and no instances\n';
  const rows = databases.map((one) => [
    visible(one.identifier),
    one.kind,
    one.region,
    `${one.engine} ${one.version}`,
    one.status,
    IAM[one.iam],
    one.resourceId,
    one.endpoint === null ? '' : `${one.endpoint.host}:${one.endpoint.port}`,
  ]);
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const line = (row: readonly string[]): string => row.map((cell, column) => cell.padEnd(widths[column]!)).join('  ');
  return rows.map((row) => `${line(row).trimEnd()}\n`).join('');
};
