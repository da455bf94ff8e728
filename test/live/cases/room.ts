import { expect } from 'vitest';
import type { Applied } from '../../../src/engine/ending.ts';
import type { PlanTarget } from '../../../src/model/plan.ts';
import { ident } from '../../../src/providers/postgres/sql.ts';
import type { Postgres } from '../../lab/postgres.ts';
import { applyOn, changesOf, planOn, type ScenarioOptions, sqlOf } from '../scenario.ts';

/** A database and a stack of one test's own; roles belong to the whole server, so their names start with the room's. */
export type Room = {
  readonly database: string;
  /** Runs SQL in the room's database as that role (the superuser becomes it), and returns the rows of the last statement. */
  readonly as: (role: string, sql: string, database?: string) => Promise<Record<string, unknown>[]>;
  /** The values of one column, as the superuser reads them. */
  readonly column: (sql: string, database?: string) => Promise<unknown[]>;
  /** The ACL of a relation as sorted aclitems; null: as acldefault() says. */
  readonly acl: (relation: string) => Promise<string[] | null>;
  /** The ACL of a relation's columns, each item as `column: item`. */
  readonly columnAcl: (relation: string) => Promise<string[]>;
  /** Members of a role as `member by grantor: options`. */
  readonly members: (role: string) => Promise<string[]>;
  readonly plan: (body: string) => Promise<PlanTarget>;
  readonly apply: (body: string, approved?: PlanTarget) => Promise<Applied>;
  /** Plans, applies, and holds that a second plan is empty and a second apply sends nothing. Returns the first plan. */
  readonly converge: (body: string) => Promise<PlanTarget>;
};

/** Makes the room; `target` holds further YAML keys of the target. */
export const makeRoom = async (server: Postgres, name: string, target = ''): Promise<Room> => {
  const { superuser, master } = server;
  const query: Room['as'] = (role, sql, database = name) =>
    server.query(superuser, database, `SET SESSION AUTHORIZATION ${ident(role)}; ${sql}`);
  await server.query(master, 'postgres', `CREATE DATABASE ${ident(name)}`);
  // from 15 on nobody but the database's owner makes objects in it
  await server.query(master, name, 'GRANT CREATE ON SCHEMA public TO PUBLIC');
  const options: ScenarioOptions = { target: [`databases: [${name}]`, target].filter(Boolean).join('\n'), stack: `test/${name}` };
  const column: Room['column'] = async (sql, database = name) =>
    (await server.query(superuser, database, sql)).map((row) => Object.values(row)[0]);
  const plan: Room['plan'] = (body) => planOn(server, body, options);
  const apply: Room['apply'] = async (body, approved) => await applyOn(server, body, { ...options, ...(approved ? { approved } : {}) });
  return {
    database: name,
    as: query,
    column,
    acl: async (relation) => {
      const [items] = await column(
        `SELECT CASE WHEN relacl IS NOT NULL THEN ARRAY(SELECT item::text FROM unnest(relacl) item ORDER BY item::text COLLATE "C") END FROM pg_class WHERE oid = '${relation}'::regclass`,
      );
      return items as string[] | null;
    },
    columnAcl: async (relation) =>
      (await column(
        `SELECT attname || ': ' || item FROM pg_attribute, unnest(attacl) item WHERE attrelid = '${relation}'::regclass ORDER BY 1`,
      )) as string[],
    members: async (role) =>
      (await column(
        `SELECT member::regrole || ' by ' || grantor::regrole || ':' || concat(CASE WHEN admin_option THEN ' admin' END, CASE WHEN (to_jsonb(m)->>'inherit_option')::bool THEN ' inherit' END, CASE WHEN (to_jsonb(m)->>'set_option')::bool THEN ' set' END)
         FROM pg_auth_members m WHERE roleid = '${role}'::regrole ORDER BY 1`,
      )) as string[],
    plan,
    apply,
    converge: async (body) => {
      const planned = await plan(body);
      expect(await apply(body, planned)).toMatchObject({ exitCode: 0, result: { status: 'applied', residue: [] } });
      await expectSettled({ plan, apply }, body);
      return planned;
    },
  };
};

/** A plan that is empty, and an apply that sends nothing. */
export const expectSettled = async ({ plan, apply }: Pick<Room, 'plan' | 'apply'>, body: string): Promise<void> => {
  const again = await plan(body);
  expect(changesOf(again)).toEqual([]);
  expect((await apply(body, again)).result).toMatchObject({ status: 'unchanged', statements: 0 });
};

/** The statements of a plan without marks and the borrowing, each with the role that it runs as. */
export const said = (target: PlanTarget): string[] =>
  target.steps
    .filter((step) => sqlOf({ ...target, steps: [step] }).length > 0 && !step.sql.startsWith('COMMENT ON ROLE'))
    .map((step) => (step.as === undefined ? step.sql : `${step.sql} -- as ${step.as}`));

/** Changes other than that the stack takes over roles that exist. */
export const changedBeside = (target: PlanTarget): string[] => changesOf(target).filter((change) => !change.includes(' role '));

/** Findings with the given code. */
export const found = (target: PlanTarget, code: string): string[] =>
  target.findings.filter((finding) => finding.code === code).map((finding) => finding.message);
