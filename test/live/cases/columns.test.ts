import { expect, test } from 'vitest';
import { eachMajor } from '../../lab/majors.ts';
import { found, makeRoom, said } from './room.ts';

const grant = (privileges: string, columns: string, more = '') =>
  `{ privileges: [${privileges}], tables: public.t, columns: [${columns}]${more} }`;
const onTable = (privileges: string, more = '') => `{ privileges: [${privileges}], tables: public.t${more} }`;
const group = (name: string, ...grants: string[]) =>
  `groups:\n  ${name}:\n    grants:\n${grants.map((one) => `      - ${one}\n`).join('')}`;

eachMajor((server) => {
  test('a grant on a table is narrowed to columns in one transaction', async () => {
    const room = await makeRoom(server(), 'narrow');
    await room.as('master', 'CREATE ROLE narrow_u; CREATE TABLE t (a int, b int, c int); GRANT SELECT ON t TO narrow_u');
    const planned = await room.converge(group('narrow_u', grant('select', 'a, b')));
    expect(said(planned)).toEqual([
      'REVOKE SELECT ON TABLE "public"."t" FROM "narrow_u"',
      'GRANT SELECT ("a", "b") ON TABLE "public"."t" TO "narrow_u"',
    ]);
    expect(planned.transactions).toHaveLength(1);
    expect(await room.columnAcl('t')).toEqual(['a: narrow_u=r/master', 'b: narrow_u=r/master']);
    expect(await room.acl('t')).toEqual([expect.stringMatching(/^master=/)]);
  });

  test('grants on columns are widened to the table', async () => {
    const room = await makeRoom(server(), 'widen');
    await room.as('master', 'CREATE ROLE widen_u; CREATE TABLE t (a int, b int); GRANT SELECT (a), UPDATE (b) ON t TO widen_u');
    const planned = await room.converge(group('widen_u', onTable('select'), grant('update', 'b')));
    expect(said(planned)).toEqual([
      'GRANT SELECT ON TABLE "public"."t" TO "widen_u"',
      'REVOKE SELECT ("a") ON TABLE "public"."t" FROM "widen_u"',
    ]);
    expect(await room.columnAcl('t')).toEqual(['b: widen_u=w/master']);
    expect(await room.acl('t')).toContain('widen_u=r/master');
  });

  test('a pattern of tables gets the columns that each of them has', async () => {
    const room = await makeRoom(server(), 'everywhere');
    await room.as(
      'master',
      'CREATE SCHEMA s; CREATE TABLE s.one (a int, b int); CREATE TABLE s.two (a int); CREATE VIEW s.three AS SELECT 1 AS b',
    );
    const profile = 'profiles:\n  audit: [{ privileges: [select], tables: "*", columns: [a] }]\n';
    const body = `${profile}groups:\n  every_u: { grants: [{ privileges: [update], tables: s.*, columns: [a, b] }], use: { audit: [everywhere.s] } }\n`;
    await room.converge(body);
    expect(await Promise.all(['s.one', 's.two', 's.three'].map(room.columnAcl))).toEqual([
      ['a: every_u=rw/master', 'b: every_u=w/master'],
      ['a: every_u=rw/master'],
      ['b: every_u=w/master'],
    ]);
  });

  test('a column grant beside the table grant goes alone', async () => {
    const room = await makeRoom(server(), 'beside');
    await room.as(
      'master',
      'CREATE ROLE beside_u; CREATE TABLE t (a int, b int); GRANT SELECT ON t TO beside_u; GRANT SELECT (a) ON t TO beside_u',
    );
    const planned = await room.converge(group('beside_u', onTable('select')));
    expect(said(planned)).toEqual(['REVOKE SELECT ("a") ON TABLE "public"."t" FROM "beside_u"']);
    expect(await room.acl('t')).toContain('beside_u=r/master');
  });

  test('a column grant that stays is made again after the revoke that takes it along', async () => {
    const room = await makeRoom(server(), 'again');
    await room.as(
      'master',
      'CREATE ROLE again_u; CREATE TABLE t (a int, b int); GRANT SELECT, UPDATE ON t TO again_u; GRANT SELECT (a), UPDATE (a), INSERT (b) ON t TO again_u',
    );
    const planned = await room.converge(group('again_u', grant('select', 'a'), onTable('update'), grant('insert', 'b')));
    expect(said(planned)).toEqual([
      'REVOKE SELECT ON TABLE "public"."t" FROM "again_u"',
      'REVOKE UPDATE ("a") ON TABLE "public"."t" FROM "again_u"',
      'GRANT SELECT ("a") ON TABLE "public"."t" TO "again_u"',
    ]);
    expect(await room.columnAcl('t')).toEqual(['a: again_u=r/master', 'b: again_u=a/master']);
  });

  test('a grant option on a column outlives the one on the table', async () => {
    const room = await makeRoom(server(), 'outlive');
    await room.as(
      'master',
      'CREATE ROLE outlive_u; CREATE TABLE t (a int, b int); GRANT SELECT ON t TO outlive_u WITH GRANT OPTION; GRANT SELECT (a) ON t TO outlive_u WITH GRANT OPTION',
    );
    await room.converge(group('outlive_u', grant('select', 'a', ', grantable: true')));
    expect(await room.columnAcl('t')).toEqual(['a: outlive_u=r*/master']);
    expect(await room.acl('t')).toEqual([expect.stringMatching(/^master=/)]);
  });

  test('what somebody granted on a column by his option on the table is not touched', async () => {
    const room = await makeRoom(server(), 'other');
    await room.as(
      'master',
      'CREATE ROLE other_x; CREATE ROLE other_y; CREATE ROLE other_u; CREATE TABLE t (a int, b int); GRANT SELECT ON t TO other_x WITH GRANT OPTION; GRANT SELECT (a) ON t TO other_u',
    );
    await room.as('other_x', 'GRANT SELECT (a) ON t TO other_y');
    const planned = await room.converge(group('other_u', grant('insert', 'a')));
    expect(said(planned)).toEqual([
      'GRANT INSERT ("a") ON TABLE "public"."t" TO "other_u"',
      'REVOKE SELECT ("a") ON TABLE "public"."t" FROM "other_u"',
    ]);
    expect(await room.columnAcl('t')).toEqual(['a: other_u=a/master', 'a: other_y=r/other_x']);
  });

  test('what somebody granted on a column by his option on the table is taken before the option is', async () => {
    const room = await makeRoom(server(), 'onward');
    await room.as(
      'master',
      'CREATE ROLE onward_x; CREATE ROLE onward_y; CREATE TABLE t (a int, b int); GRANT SELECT ON t TO onward_x WITH GRANT OPTION',
    );
    await room.as('onward_x', 'GRANT SELECT (a) ON t TO onward_y');
    const planned = await room.converge(group('onward_x', onTable('select')));
    expect(said(planned)).toEqual([
      'REVOKE SELECT ("a") ON TABLE "public"."t" FROM "onward_y" -- as onward_x',
      'REVOKE GRANT OPTION FOR SELECT ON TABLE "public"."t" FROM "onward_x"',
    ]);
    expect(await room.columnAcl('t')).toEqual([]);
  });

  test('a grant on a column whose grantor has lost its option is blocked, and says so', async () => {
    const room = await makeRoom(server(), 'stranded');
    await room.as(
      'master',
      'CREATE ROLE stranded_x; CREATE ROLE stranded_y; CREATE TABLE t (a int); GRANT SELECT ON t TO stranded_x WITH GRANT OPTION',
    );
    await room.as('stranded_x', 'GRANT SELECT (a) ON t TO stranded_y');
    await room.as('master', 'REVOKE SELECT ON t FROM stranded_x');
    const body = 'groups:\n  stranded_y: {}\n';
    const planned = await room.plan(body);
    expect(planned.changes.find((change) => change.kind === 'grant')?.blocked).toContain('no longer holds the grant option for SELECT');
    expect((await room.apply(body, planned)).exitCode).toBe(5);
  });

  test('columns that the same table grant covers are an error', async () => {
    const room = await makeRoom(server(), 'covered');
    await room.as('master', 'CREATE TABLE t (a int, b int)');
    await expect(room.plan(group('covered_u', onTable('select'), grant('select', 'a')))).rejects.toThrow(/column/);
  });

  test('taking a column under a table grant says that the access stays', async () => {
    const room = await makeRoom(server(), 'under');
    await room.as('master', 'CREATE ROLE under_u; CREATE TABLE t (a int); GRANT SELECT ON t TO PUBLIC; GRANT SELECT (a) ON t TO under_u');
    const planned = await room.converge('groups:\n  under_u: {}\n');
    expect(said(planned)).toEqual(['REVOKE SELECT ("a") ON TABLE "public"."t" FROM "under_u"']);
    expect(found(planned, 'access/still-effective')).toEqual([expect.stringContaining('PUBLIC')]);
  });

  test('a column of the system can be granted', async () => {
    const room = await makeRoom(server(), 'syscol');
    await room.as('master', 'CREATE ROLE syscol_u; CREATE TABLE t (a int); GRANT SELECT (ctid) ON t TO syscol_u');
    const planned = await room.converge(group('syscol_u', grant('select', 'a')));
    expect(said(planned)).toEqual([
      'GRANT SELECT ("a") ON TABLE "public"."t" TO "syscol_u"',
      'REVOKE SELECT ("ctid") ON TABLE "public"."t" FROM "syscol_u"',
    ]);
  });
});
