import { describe, expect, it } from 'vitest';
import type { Finding } from '../../src/model/finding.ts';
import { findingsAnnotations } from '../../src/render/annotations.ts';
import { findingsText } from '../../src/render/findings.ts';
import { findingsSummary } from '../../src/render/findings-list.ts';
import { displayWidth } from '../../src/render/layout.ts';

const unknown: Finding = {
  severity: 'error',
  code: 'manifest/unknown-role',
  message: "grant to 'app_raed', which nothing declares",
  hint: "did you mean 'app_read'?",
  source: { file: 'access.yaml', line: 22, column: 7 },
};
const odd: Finding = { severity: 'warning', code: 'plan/odd', message: "role 'a\n::error::b\u001b[31m' at 100%", target: 'orders' };
const wide = { width: 400, colour: false, unicode: true };

describe('findingsText', () => {
  it('says where, what and what to do, on one line', () => {
    expect(findingsText([unknown], wide)).toBe(
      "access.yaml:22:7: error manifest/unknown-role: grant to 'app_raed', which nothing declares · did you mean 'app_read'?\n",
    );
  });

  it('names the target of what has no place', () => {
    expect(findingsText([odd], { ...wide, unicode: false })).toBe(
      "warning plan/odd: target 'orders': role 'a\\n::error::b\\u001b[31m' at 100%\n",
    );
  });

  it('puts errors first and wraps where it is narrow', () => {
    const text = findingsText([odd, unknown], { ...wide, width: 50 });
    expect(text.indexOf('error manifest')).toBeLessThan(text.indexOf('warning'));
    expect(text.split('\n').filter((line) => displayWidth(line) > 50)).toEqual([]);
    expect(text.replace(/\n {2}/g, ' ')).toBe(findingsText([odd, unknown], wide));
  });
});

describe('findingsAnnotations', () => {
  it('are commands that a runner puts beside the line', () => {
    expect(findingsAnnotations([unknown])).toBe(
      "::error file=access.yaml,line=22,col=7,title=manifest/unknown-role::grant to 'app_raed', which nothing declares · did you mean 'app_read'?\n",
    );
  });

  it('let no name be a command', () => {
    const text = findingsAnnotations([odd, { ...unknown, source: { file: 'a,b:c%.yaml\n::stop', line: 1, column: 1 } }]);
    expect(text).toBe(
      "::error file=a%2Cb%3Ac%25.yaml\\n%3A%3Astop,line=1,col=1,title=manifest/unknown-role::grant to 'app_raed', which nothing declares · did you mean 'app_read'?\n" +
        "::warning title=plan/odd::target 'orders': role 'a\\n::error::b\\u001b[31m' at 100%25\n",
    );
  });
});

describe('findingsSummary', () => {
  it.each([
    [[], ''],
    [[unknown], '1 error'],
    [[odd, unknown, odd], '1 error, 2 warnings'],
  ])('%#', (findings, text) => {
    expect(findingsSummary(findings)).toBe(text);
  });
});

it('no line of a terminal is a command to a runner, wherever it is broken', () => {
  for (let width = 20; width < 120; width++) {
    const text = findingsText(
      [
        {
          severity: 'warning',
          code: 'iam/not-ours',
          message: "policy 'x' is of stack 'a ::error::b ::stop-commands::c  ::add-mask::d'",
          hint: 'e ::warning::f',
        },
      ],
      { width, colour: false, unicode: true },
    );
    expect(text.split('\n').filter((line) => /^\s*::/.test(line))).toEqual([]);
  }
});
