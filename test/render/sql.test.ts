import fc from 'fast-check';
import { parse } from 'libpg-query';
import { describe, expect, it } from 'vitest';
import type { Plan, PlanTarget } from '../../src/model/plan.ts';
import { planSql, targetSql } from '../../src/render/sql.ts';
import { hostile } from './hostile.ts';
import { PLANS } from './plans.ts';

const target = (PLANS.mixed as Plan).targets[0] as PlanTarget;
/** The script without psql's own commands, as the server would get it. */
const statementsOf = (script: string): string => script.replace(/^\\.*$/gm, '').replace(/:'secret_\d+'/g, "'x'");
const scriptFor = (name: string): string =>
  targetSql({
    ...target,
    name,
    identity: { ...target.identity, endpoint: name, login: name },
    changes: [],
    transactions: [{ database: name, waitsFor: [], borrows: [], autocommit: false }],
    steps: [
      { id: 0, database: name, transaction: 0, phase: 'create', sql: `CREATE ROLE "${name.replaceAll('"', '""')}"`, as: name, changes: [] },
    ],
  });

describe('planSql', () => {
  it('is SQL to the parser of PostgreSQL, statement for statement', async () => {
    const { stmts } = await parse(statementsOf(planSql(PLANS.mixed as Plan)));
    const kinds = stmts?.map(({ stmt }) => Object.keys(stmt ?? {})[0]);
    expect(kinds?.filter((kind) => kind === 'TransactionStmt')).toHaveLength(4);
    expect(kinds?.filter((kind) => kind !== 'TransactionStmt')).toHaveLength(target.steps.length);
  });

  it('lets no name out of a comment, a command or a statement', async () => {
    await fc.assert(
      fc.asyncProperty(hostile, async (text) => {
        const name = `x${text.replaceAll('\0', '').replace(/\p{Cs}/gu, '')}`;
        const script = scriptFor(name);
        const { stmts } = await parse(statementsOf(script));
        expect(stmts?.map(({ stmt }) => Object.keys(stmt ?? {})[0])).toEqual(['TransactionStmt', 'CreateRoleStmt', 'TransactionStmt']);
        expect(script.split('\n').filter((line) => line.startsWith('\\'))).toHaveLength(2);
        expect(script).not.toMatch(/[^\P{Cc}\n]|[\p{Cf}\p{Co}\p{Zl}\p{Zp}]/u);
      }),
      { numRuns: 150 },
    );
  });

  it('says what a login that changes to IAM waits for', () => {
    const flip = { id: 0, database: '', transaction: 1, phase: 'open', sql: 'ALTER USER x', changes: [] } as const;
    const waiting = { database: '', waitsFor: [0], borrows: [], autocommit: true };
    const transactions = [
      { ...waiting, waitsFor: [] },
      { ...waiting, stage: 3, awaits: ['iam'] },
    ] as const;
    const script = targetSql({
      ...target,
      engine: 'mysql',
      changes: [],
      transactions,
      steps: [{ ...flip, transaction: 0, sql: 'GRANT x' }, flip],
    });
    expect(script).toMatch(/GRANT x;\n\n-- only when target iam has opened the policies: until then nobody could log in\nALTER USER x;/);
  });

  it.each([
    ['orders', '\\connect "orders"'],
    ['Odd name', '\\connect "Odd name"'],
    ['a=b', "\\connect -reuse-previous=on '\"dbname=''a=b''\"'"],
    ['postgres://x', "\\connect -reuse-previous=on '\"dbname=''postgres://x''\"'"],
    ["it's", "\\connect -reuse-previous=on '\"dbname=''it\\\\''s''\"'"],
    ['a\nb', "\\connect -reuse-previous=on '\"dbname=''a\\012b''\"'"],
    ['back\\slash', "\\connect -reuse-previous=on '\"dbname=''back\\\\\\\\slash''\"'"],
  ])('connects to %j as psql understands it', (name, line) => {
    expect(scriptFor(name).split('\n')).toContain(line);
  });

  it('holds secrets as variables of psql, named on top', () => {
    const script = planSql(PLANS.mixed as Plan);
    expect(script).toContain(`-- secret_1: the password at \${env:NIGHTLY_PASSWORD}`);
    expect(script).toContain(`ALTER ROLE "nightly" PASSWORD :'secret_1';`);
  });

  it('leaves text alone that only looks like a secret', () => {
    const sql = `COMMENT ON ROLE "x" IS 'see \${env:NIGHTLY_PASSWORD}'`;
    const step = { id: 0, database: 'orders', transaction: 0, phase: 'alter' as const, sql, changes: [] };
    expect(targetSql({ ...target, transactions: target.transactions.slice(2), steps: [step] })).toContain(`${sql};`);
  });

  it('ends sessions outside of a transaction', () => {
    const parts = planSql(PLANS.mixed as Plan).split('\\connect');
    expect(parts.find((part) => part.includes('pg_terminate_backend'))).not.toContain('BEGIN');
  });

  it('says when there is nothing to do', () => {
    expect(planSql(PLANS.nothing as Plan)).toMatch(/\n-- Nothing to do\.\n$/);
  });
});
