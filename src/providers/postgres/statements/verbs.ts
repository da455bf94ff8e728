import { byWord, difference, wordOf } from '../../../core/privileges.ts';
import type { Grantee } from '../../../model/access.ts';
import { distinct } from '../../../model/key.ts';
import { ident } from '../sql.ts';

/** GRANT or REVOKE, of privileges or of the option to grant them on. */
export type Verb = 'grant' | 'grant option' | 'revoke' | 'revoke option';

/** What takes one set of privileges to another: words and options, each its own verb. */
export const verbs = (
  before: readonly string[],
  after: readonly string[],
): { readonly verb: Verb; readonly words: readonly string[] }[] => {
  const [held, wanted] = [byWord(before), byWord(after)];
  const added = difference(after, before);
  const words = (verb: Verb, list: readonly string[]) => (list.length === 0 ? [] : [{ verb, words: distinct(list) }]);
  return [
    ...words(
      'grant',
      added.filter((privilege) => !privilege.endsWith('*')),
    ),
    ...words('grant option', added.filter((privilege) => privilege.endsWith('*')).map(wordOf)),
    ...words(
      'revoke',
      [...held.keys()].filter((word) => !wanted.has(word)),
    ),
    ...words(
      'revoke option',
      [...held].filter(([word, option]) => option && wanted.get(word) === false).map(([word]) => word),
    ),
  ];
};

/** How a statement begins, up to its words. */
export const opening = (verb: Verb): string =>
  ({ grant: 'GRANT', 'grant option': 'GRANT', revoke: 'REVOKE', 'revoke option': 'REVOKE GRANT OPTION FOR' })[verb];

/** How it ends, from its grantees on. */
export const closing = (verb: Verb, grantees: readonly Grantee[]): string => {
  const names = grantees.map((grantee) => (typeof grantee === 'string' ? ident(grantee) : 'PUBLIC')).join(', ');
  return `${verb.startsWith('revoke') ? 'FROM' : 'TO'} ${names}${verb === 'grant option' ? ' WITH GRANT OPTION' : ''}`;
};
