import { groupBy } from '../../../core/group.ts';
import { granteeKey } from '../../../model/access.ts';
import { DEFAULT_OBJECTS } from '../catalog.ts';
import type { Scope } from '../scope.ts';
import { ident } from '../sql.ts';
import type { Draft, Indexed } from './draft.ts';
import { closing, opening, verbs } from './verbs.ts';

/** ALTER DEFAULT PRIVILEGES, folded over grantees; it runs as the creator, whose rights a mere ADMIN option does not give. */
export const defaultDrafts = (scope: Scope, changes: readonly Indexed<'default'>[]): Draft[] => {
  const pieces = changes.flatMap((change) => {
    const body = (change.before ?? change.after)!;
    return verbs(change.before?.privileges ?? [], change.after?.privileges ?? []).map((verb) => ({ ...verb, body, index: change.index }));
  });
  const folded = groupBy(pieces, ({ verb, words, body }) =>
    JSON.stringify([verb, words, body.database, body.creator, body.schema, body.objects]),
  );
  return [...folded.values()].map((group): Draft => {
    const { verb, words, body } = group[0]!;
    const { how } = scope.authority.reach(body.creator);
    const grantees = group.map((piece) => granteeKey(piece.body.grantee));
    const where = `ALTER DEFAULT PRIVILEGES FOR ROLE ${ident(body.creator)}${body.schema === null ? '' : ` IN SCHEMA ${ident(body.schema)}`}`;
    return {
      database: body.database,
      phase: verb.startsWith('revoke') ? 'revoke' : 'default',
      rank: 2,
      sql: `${where} ${opening(verb)} ${words.join(', ')} ON ${DEFAULT_OBJECTS[body.objects].keyword} ${closing(
        verb,
        group.map((piece) => piece.body.grantee),
      )}`,
      uses: how === 'self' || how === 'superuser' ? [] : [{ role: body.creator, how: 'become' }],
      changes: group.map((piece) => piece.index),
      named: 0,
      ...(verb.startsWith('revoke') ? { loses: grantees } : { gains: grantees }),
    };
  });
};
