import { expect } from 'vitest';
import { isError } from '../../../src/model/finding.ts';
import type { PlanTarget } from '../../../src/model/plan.ts';
import type { Postgres } from '../../lab/postgres.ts';
import { applyOn, planOn, type ScenarioOptions } from '../scenario.ts';

/** Plans, applies what was planned, and holds that nothing is left: neither now nor in a second plan. Returns the plan. */
export const settle = async (server: Postgres, body: string, options: ScenarioOptions = {}): Promise<PlanTarget> => {
  const plan = await planOn(server, body, options);
  const applied = await applyOn(server, body, { ...options, approved: plan });
  const { status, failed, residue, findings } = applied.result;
  expect({ exitCode: applied.exitCode, status, failed, residue, errors: findings.filter(isError) }).toEqual({
    exitCode: 0,
    status: plan.steps.length === 0 ? 'unchanged' : 'applied',
    failed: undefined,
    residue: [],
    errors: [],
  });
  const again = await planOn(server, body, options);
  expect(again.changes).toEqual([]);
  expect(again.steps).toEqual([]);
  return plan;
};

/** Runs SQL as the master, in order, each text on a connection of its own to its database. */
export const asMaster = async (server: Postgres, ...statements: readonly (readonly [database: string, sql: string])[]): Promise<void> => {
  for (const [database, sql] of statements) await server.query(server.master, database, sql);
};

/** What the server says to a login: 'in', or the SQLSTATE of its refusal. */
export const loginOf = async (server: Postgres, user: string, password: string, database = 'postgres'): Promise<string> => {
  try {
    await server.query({ user, password }, database, 'SELECT 1');
    return 'in';
  } catch (error) {
    return (error as { readonly code?: string }).code ?? String(error);
  }
};

/** Whether the server has the role. */
export const roleExists = async (server: Postgres, name: string): Promise<boolean> =>
  (await server.query(server.superuser, 'postgres', 'SELECT FROM pg_catalog.pg_roles WHERE rolname = $1', [name])).length > 0;

/** 'ok' when the login may run the SQL, or the SQLSTATE of the refusal. */
export const outcomeOf = async (server: Postgres, user: string, password: string, database: string, sql: string): Promise<string> => {
  try {
    await server.query({ user, password }, database, sql);
    return 'ok';
  } catch (error) {
    return (error as { readonly code?: string }).code ?? String(error);
  }
};
