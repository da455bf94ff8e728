import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadManifest } from '../../src/manifest/load.ts';

let cwd = '';
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'manifest-'));
});
afterEach(() => rm(cwd, { recursive: true }));

const write = async (path: string, text: string | Uint8Array = 'version: 1\n'): Promise<void> => {
  await mkdir(join(cwd, path, '..'), { recursive: true });
  await writeFile(join(cwd, path), text);
};
const paths = async (...given: string[]): Promise<string[]> => (await loadManifest(given, cwd)).files.map(({ path }) => path);

describe('a manifest is found', () => {
  test('as a directory: its yaml and yml files, in order, and nothing below', async () => {
    for (const path of ['m/b.yaml', 'm/a.yml', 'm/.hidden.yaml', 'm/c.json', 'm/below/d.yaml', 'm/B.yaml']) await write(path);
    expect(await paths('m')).toEqual(['m/B.yaml', 'm/a.yml', 'm/b.yaml']);
    expect(await paths('./m/')).toEqual(['./m/B.yaml', './m/a.yml', './m/b.yaml']);
  });

  test('as files and directories together, each file once', async () => {
    for (const path of ['m/a.yaml', 'm/b.yaml', 'x.json']) await write(path);
    expect(await paths('x.json', 'm/b.yaml', './m')).toEqual(['x.json', './m/b.yaml', './m/a.yaml']);
  });

  test('in ./access, else in ./rolecall.yaml', async () => {
    await write('rolecall.yaml');
    expect(await paths()).toEqual(['./rolecall.yaml']);
    await write('access/a.yaml');
    expect(await paths()).toEqual(['./access/a.yaml']);
  });

  test('with a byte order mark, which is no part of the text', async () => {
    await write('a.yaml', '\ufeffversion: 1\n');
    expect((await loadManifest(['a.yaml'], cwd)).files).toEqual([{ path: 'a.yaml', text: 'version: 1\n' }]);
  });
});

describe('a manifest is not found', () => {
  test.each<[string, string[], () => Promise<void>, string]>([
    ['when nothing is there', [], async () => {}, `there is no manifest: neither './access' nor './rolecall.yaml' exists`],
    ['when the path is wrong', ['nope.yaml'], async () => {}, `'nope.yaml' does not exist`],
    ['when a directory has no YAML', ['m'], () => write('m/a.json'), `directory 'm' has no *.yaml or *.yml file`],
    ['when the file is empty', ['a.yaml'], () => write('a.yaml', ' \n'), `'a.yaml' is empty`],
    [
      'when every file is empty',
      ['m'],
      async () => void (await Promise.all([write('m/a.yaml', ''), write('m/b.yaml', '')])),
      `all files of 'm' are empty`,
    ],
    ['when it is no text', ['a.yaml'], () => write('a.yaml', new Uint8Array([0x76, 0xff, 0xfe])), `'a.yaml' is not UTF-8 text`],
  ])('%s', async (_name, given, prepare, message) => {
    await prepare();
    const failed = await loadManifest(given, cwd).catch((error: unknown) => error);
    expect(failed).toMatchObject({ name: 'Failure', exitCode: 1, findings: [{ severity: 'error', message, hint: expect.any(String) }] });
  });

  test('when the system cannot follow the path', async () => {
    await symlink('a.yaml', join(cwd, 'a.yaml'));
    await expect(loadManifest(['a.yaml'], cwd)).rejects.toThrow(`'a.yaml' cannot be read: ELOOP`);
  });
});
