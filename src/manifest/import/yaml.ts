import { Document, isScalar, visit } from 'yaml';
import type { Content } from '../content.ts';

/** A manifest as YAML: same content, same bytes. */
export const manifestYaml = (content: Content, comment: readonly string[]): string => {
  const document = new Document(content, { version: '1.2', aliasDuplicateObjects: false });
  document.commentBefore = comment.map((line) => ` ${line}`).join('\n');
  visit(document, {
    Pair: (_, { key }) => {
      // `<<` would merge, `on` is a truth to older readers: a name that is not plain is quoted
      if (isScalar<string>(key) && !/^[A-Za-z_][A-Za-z0-9_-]*$/.test(key.value)) key.type = 'QUOTE_DOUBLE';
    },
    Seq: (_, list) => {
      list.flow = list.items.every(isScalar);
    },
  });
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
};
