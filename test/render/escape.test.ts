import fc from 'fast-check';
import { parse } from 'libpg-query';
import { describe, expect, it } from 'vitest';
import {
  canonicalJson,
  cellSpan,
  codeSpan,
  dotString,
  fence,
  mermaidLabel,
  partName,
  prose,
  roleName,
  sqlComment,
  visible,
  visibleSql,
  workflowProperty,
  workflowText,
} from '../../src/render/escape.ts';
import { hostile } from './hostile.ts';

const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\u00a0\u3164]/u;

describe('visible', () => {
  it.each([
    ['escape sequence', '\u001b[31mred', '\\u001b[31mred'],
    ['bidi override', 'a\u202eb', 'a\\u202eb'],
    ['line break', 'a\nb\r\tc', 'a\\nb\\r\\tc'],
    ['zero width', 'a\u200bb\ufeff', 'a\\u200bb\\ufeff'],
    ['beyond the basic plane', 'a\u{e0041}', 'a\\u{e0041}'],
    ['lone surrogate', 'a\ud800', 'a\\ud800'],
    ['no-break space', 'a\u00a0b', 'a\\u00a0b'],
    ['the second # of a command in the old form', '###[error]no', '##\\u0023[error]no'],
    ['other signs of number', '# ## #[ [##', '# ## #[ [##'],
    ['letters of any script', 'größe 日本 😀', 'größe 日本 😀'],
  ])('shows %s', (_, text, shown) => {
    expect(visible(text)).toBe(shown);
  });

  it('leaves nothing invisible in any output for one line', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        for (const shown of [
          visible,
          roleName,
          partName,
          codeSpan,
          cellSpan,
          prose,
          sqlComment,
          workflowText,
          workflowProperty,
          mermaidLabel,
          dotString,
        ]) {
          expect(shown(text)).not.toMatch(INVISIBLE);
          expect(shown(text)).not.toContain('##[');
        }
        expect(canonicalJson({ text })).not.toMatch(INVISIBLE);
        expect(canonicalJson({ text })).not.toContain('##[');
      }),
    );
  });
});

describe('names', () => {
  it.each([
    ['plain', 'etl_loader', 'etl_loader'],
    ['of a person', 'j.doe@example.com', 'j.doe@example.com'],
    ['with a space', 'a b', '"a b"'],
    ['with a quote', 'a"b', '"a""b"'],
    ['that looks escaped', 'a\\u202e', '"a\\\\u202e"'],
    ['that is escaped', 'a\u202e', '"a\\u202e"'],
    ['empty', '', '""'],
  ])('shows a name %s', (_, name, shown) => {
    expect(roleName(name)).toBe(shown);
  });

  it('never shows two names alike', () => {
    fc.assert(
      fc.property(hostile, hostile, (a, b) => {
        fc.pre(a !== b);
        expect(roleName(a)).not.toBe(roleName(b));
        expect(partName(a)).not.toBe(partName(b));
      }),
    );
  });
});

describe('codeSpan', () => {
  it('cannot be closed by its text', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const opening = /^`+/.exec(codeSpan(text))?.[0] ?? '';
        const inner = codeSpan(text).slice(opening.length, -opening.length);
        expect(codeSpan(text).endsWith(opening)).toBe(true);
        expect(inner.match(/`+/g) ?? []).not.toContain(opening);
      }),
    );
  });

  it('has no bar in a table', () => {
    expect(cellSpan('a|b')).toBe('`a\\u007cb`');
  });
});

describe('prose', () => {
  it.each([
    ['the arguments of a routine', 'EXECUTE on s.refund(integer, text) still', 'EXECUTE on `s.refund(integer, text)` still'],
    ['words', 'this is plain.', 'this is plain.'],
    ['a quoted name', "grant to 'app_raed', which nothing declares", "grant to `'app_raed'`, which nothing declares"],
    ['a mention', 'ask @octocat now', 'ask `@octocat` now'],
    ['HTML', '<b>x</b>', '`<b>x</b>`'],
    ['a reference', 'GH-12 and #3', '`GH-12` and `#3`'],
    ['a link', 'see www.example.test', 'see `www.example.test`'],
    ['emphasis', 'a *b* _c_', 'a `*b* _c_`'],
  ])('keeps %s', (_, text, shown) => {
    expect(prose(text)).toBe(shown);
  });
});

describe('fence', () => {
  it('is longer than any run of backticks inside', () => {
    fc.assert(
      fc.property(fc.array(hostile), (lines) => {
        const block = fence('diff', lines.join('\n')).split('\n');
        const closing = block.at(-1) ?? '';
        expect(block.filter((line) => line.trim().startsWith(closing))).toHaveLength(2);
      }),
    );
  });
});

describe('visibleSql', () => {
  it.each([
    ['leaves plain SQL alone', 'GRANT SELECT ON "a"\n  TO "b"', 'GRANT SELECT ON "a"\n  TO "b"'],
    ['identifiers', 'CREATE ROLE "a\u202eb"', 'CREATE ROLE U&"a\\+00202eb"'],
    ['identifiers with a backslash', 'CREATE ROLE "a\\\nb"', 'CREATE ROLE U&"a\\\\\\+00000ab"'],
    ['strings', "COMMENT ON ROLE a IS 'x\u001by'", "COMMENT ON ROLE a IS U&'x\\+00001by'"],
    ['escape strings', "SELECT E'x\u202e\\n'", "SELECT E'x\\U0000202e\\n'"],
    ['dollar strings', "DO $a$ it's \u202e $a$", "DO E' it''s \\U0000202e '"],
  ])('writes escapes in %s', (_, sql, shown) => {
    expect(visibleSql(sql)).toBe(shown);
  });

  it('names the same role to the parser of PostgreSQL', async () => {
    await fc.assert(
      fc.asyncProperty(hostile, async (text) => {
        const name = [...text.replaceAll('\0', '').replace(/\p{Cs}/gu, '')].slice(0, 15).join('');
        fc.pre(name !== '');
        const roleOf = async (sql: string): Promise<unknown> =>
          JSON.stringify((await parse(sql))?.stmts?.[0]?.stmt).replace(/"location":\d+/g, '');
        const sql = `CREATE ROLE "${name.replaceAll('"', '""')}"`;
        expect(visibleSql(sql)).not.toMatch(INVISIBLE);
        expect(visibleSql(sql)).not.toContain('##[');
        expect(await roleOf(visibleSql(sql))).toBe(await roleOf(sql));
      }),
      { numRuns: 200 },
    );
  });
});

describe('canonicalJson', () => {
  it('keeps the value and sorts its keys', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(JSON.parse(canonicalJson(value, 2))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
    expect(canonicalJson({ b: 1, a: { d: 1, c: 2 } })).toBe('{"a":{"c":2,"d":1},"b":1}');
  });

  it('keeps invisible characters as escapes', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        expect(JSON.parse(canonicalJson({ [text]: text }))).toEqual({ [text]: text });
      }),
    );
  });
});
