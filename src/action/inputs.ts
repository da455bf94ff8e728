import { nearest } from '../core/nearest.ts';
import { Failure, type Finding } from '../model/finding.ts';

export const COMMANDS = ['validate', 'plan', 'apply', 'drift', 'report', 'prove'] as const;
export type Command = (typeof COMMANDS)[number];

/** What the workflow's `with` says; every name is that of action.yml in camel case. */
export type Inputs = {
  readonly command: Command;
  /** Files and directories; empty: ./access, else ./rolecall.yaml. */
  readonly manifest: readonly string[];
  /** Names; empty: all. */
  readonly targets: readonly string[];
  /** Of these only what the base of a pull request does not declare alike. */
  readonly changedOnly: boolean;
  readonly planRoleArn: string | null;
  readonly applyRoleArn: string | null;
  readonly proveRoleArn: string | null;
  readonly awsRegion: string | null;
  readonly roleSessionName: string | null;
  readonly allowedAccountIds: readonly string[];
  readonly allowedHosts: readonly string[];
  readonly githubToken: string;
  readonly comment: 'update' | 'changes-only' | 'none';
  /** Tells the comments of several configurations apart. */
  readonly commentKey: string;
  readonly commentDetail: 'auto' | 'full' | 'summary';
  readonly foldLines: number;
  readonly commentRequired: boolean;
  readonly summary: boolean;
  readonly artifact: boolean;
  readonly onUnreviewed: 'fail' | 'plan-only' | 'apply';
  readonly planFrom: 'artifact' | 'run';
  readonly only: 'all' | 'expired';
  readonly destroyPolicy: 'allow' | 'require-label' | 'deny';
  readonly destroyLabel: string;
  readonly maxRemovals: number;
  readonly failOn: 'error' | 'policy' | 'changes' | 'drift';
  readonly labels: boolean;
  readonly driftIssue: boolean;
  readonly lockWaitMs: number;
  readonly parallelism: number;
  /** null: as the engine has it. */
  readonly connectTimeoutMs: number | null;
  readonly statementTimeoutMs: number | null;
  readonly allowUnproven: boolean;
};

type Env = Readonly<Record<string, string | undefined>>;

/** Defaults, as action.yml says them too: there for the reader and the runner, here for the type. */
export const DEFAULTS = {
  command: '',
  manifest: '',
  targets: 'all',
  'plan-role-arn': '',
  'apply-role-arn': '',
  'prove-role-arn': '',
  'aws-region': '',
  'role-session-name': '',
  'allowed-account-ids': '',
  'allowed-hosts': '',
  'github-token': '',
  comment: 'update',
  'comment-key': '',
  'comment-detail': 'auto',
  'fold-lines': '20',
  'comment-required': 'false',
  summary: 'true',
  artifact: 'true',
  'on-unreviewed': 'fail',
  'plan-from': 'artifact',
  only: 'all',
  'destroy-policy': 'require-label',
  'destroy-label': 'access:allow-drop',
  'max-removals': '10',
  'fail-on': 'error',
  labels: 'false',
  'drift-issue': 'true',
  'lock-wait': '120s',
  parallelism: '4',
  'connect-timeout': '',
  'statement-timeout': '',
  'allow-unproven': 'false',
} as const satisfies Readonly<Record<string, string>>;
export type InputName = keyof typeof DEFAULTS;

/** The inputs from the runner's variables. Throws a Failure with everything that is wrong. */
export const inputsOf = (env: Env): Inputs => {
  const findings: Finding[] = unknownInputs(env);
  const raw = (name: InputName): string => given(env, name) || DEFAULTS[name];
  const wrong = (name: InputName, expected: string, hint?: string): void => {
    const found = raw(name);
    const message =
      found === '' ? `input '${name}' is missing: expected ${expected}` : `input '${name}' is '${found}': expected ${expected}`;
    findings.push({ severity: 'error', code: 'action/input', message, ...(hint === undefined ? {} : { hint }) });
  };
  const reader: Reader = { raw, wrong };
  const manifest = list(raw('manifest'));
  const inputs: Inputs = {
    command: choice(reader, 'command', COMMANDS),
    manifest,
    targets: raw('targets') === 'all' || raw('targets') === 'changed' ? [] : list(raw('targets')),
    changedOnly: changedOnly(reader),
    planRoleArn: roleArn(reader, 'plan-role-arn'),
    applyRoleArn: roleArn(reader, 'apply-role-arn'),
    proveRoleArn: roleArn(reader, 'prove-role-arn'),
    awsRegion: raw('aws-region') || null,
    roleSessionName: sessionName(reader),
    allowedAccountIds: accounts(reader),
    allowedHosts: list(raw('allowed-hosts')),
    githubToken: raw('github-token'),
    comment: choice(reader, 'comment', ['update', 'changes-only', 'none']),
    commentKey: raw('comment-key') || manifest.join(' ') || 'access',
    commentDetail: choice(reader, 'comment-detail', ['auto', 'full', 'summary']),
    foldLines: count(reader, 'fold-lines'),
    commentRequired: flag(reader, 'comment-required'),
    summary: flag(reader, 'summary'),
    artifact: flag(reader, 'artifact'),
    onUnreviewed: choice(reader, 'on-unreviewed', ['fail', 'plan-only', 'apply']),
    planFrom: choice(reader, 'plan-from', ['artifact', 'run']),
    only: choice(reader, 'only', ['all', 'expired']),
    destroyPolicy: choice(reader, 'destroy-policy', ['allow', 'require-label', 'deny']),
    destroyLabel: label(reader),
    maxRemovals: count(reader, 'max-removals'),
    failOn: choice(reader, 'fail-on', ['error', 'policy', 'changes', 'drift']),
    labels: flag(reader, 'labels'),
    driftIssue: flag(reader, 'drift-issue'),
    lockWaitMs: duration(reader, 'lock-wait'),
    parallelism: count(reader, 'parallelism', 1),
    connectTimeoutMs: optionalDuration(reader, 'connect-timeout'),
    statementTimeoutMs: optionalDuration(reader, 'statement-timeout'),
    allowUnproven: flag(reader, 'allow-unproven'),
  };
  if (findings.length > 0) throw new Failure(findings);
  return inputs;
};

type Reader = {
  readonly raw: (name: InputName) => string;
  readonly wrong: (name: InputName, expected: string, hint?: string) => void;
};

const PREFIX = 'INPUT_';
const given = (env: Env, name: string): string => (env[variableOf(name)] ?? '').trim();
const variableOf = (name: string): string => `${PREFIX}${name.toUpperCase()}`;

/** The runner only warns of an input that action.yml does not have; here a guard that is misspelt guards nothing. */
const unknownInputs = (env: Env): Finding[] => {
  const names = Object.keys(DEFAULTS);
  const known = new Set(names.map(variableOf));
  return Object.keys(env)
    .filter((variable) => variable.startsWith(PREFIX) && !known.has(variable))
    .sort()
    .map((variable) => {
      const name = variable.slice(PREFIX.length).toLowerCase();
      const like = nearest(name, names);
      return {
        severity: 'error',
        code: 'action/input',
        message: `there is no input '${name}'`,
        ...(like === undefined ? {} : { hint: `did you mean '${like}'?` }),
      };
    });
};

const choice = <T extends string>({ raw, wrong }: Reader, name: InputName, choices: readonly T[]): T => {
  const found = raw(name);
  const chosen = choices.find((one) => one === found);
  if (chosen !== undefined) return chosen;
  const like = nearest(found, choices);
  wrong(name, `${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}`, like === undefined ? undefined : `did you mean '${like}'?`);
  return choices[0]!;
};

/** What is applied or watched is never fewer targets than somebody meant. */
const changedOnly = ({ raw, wrong }: Reader): boolean => {
  const found = list(raw('targets'));
  const takes = ['plan', 'report', 'validate'].includes(raw('command'));
  if (found.includes('changed') && (found.length > 1 || !takes))
    wrong(
      'targets',
      takes ? "names, or 'changed' alone" : `names or 'all' with command: ${raw('command')}`,
      "'changed' is for plan and report",
    );
  return found.includes('changed');
};

const flag = (reader: Reader, name: InputName): boolean => choice(reader, name, ['true', 'false']) === 'true';

const count = ({ raw, wrong }: Reader, name: InputName, least = 0): number => {
  const found = raw(name);
  if (!/^\d{1,6}$/.test(found) || Number(found) < least) wrong(name, `a whole number from ${least} to 999999`);
  return Number(found);
};

const MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000 };

const duration = ({ raw, wrong }: Reader, name: InputName): number => {
  const [, number, unit = 's'] = /^(\d{1,6})(ms|s|m)?$/.exec(raw(name)) ?? [];
  if (number === undefined) wrong(name, "a duration such as '120s' or '2m'");
  return Number(number) * (MS[unit] ?? 1);
};

const optionalDuration = (reader: Reader, name: InputName): number | null => (reader.raw(name) === '' ? null : duration(reader, name));

/** Words between commas, blanks and line ends; all of these must be quoted nowhere. */
const list = (value: string): readonly string[] => value.split(/[\s,]+/).filter((word) => word !== '');

const roleArn = ({ raw, wrong }: Reader, name: InputName): string | null => {
  const found = raw(name);
  if (found !== '' && !/^arn:aws[\w-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/.test(found))
    wrong(name, 'the ARN of a role', 'arn:aws:iam::111122223333:role/NAME');
  return found || null;
};

const accounts = ({ raw, wrong }: Reader): readonly string[] => {
  const found = list(raw('allowed-account-ids'));
  if (found.some((id) => !/^\d{12}$/.test(id)))
    wrong('allowed-account-ids', 'account ids of 12 digits', 'quote them in YAML: a number loses its leading zeros');
  return found;
};

const sessionName = ({ raw, wrong }: Reader): string | null => {
  const found = raw('role-session-name');
  if (found !== '' && !/^[\w+=,.@-]{2,64}$/.test(found)) wrong('role-session-name', '2 to 64 letters, digits or _+=,.@-');
  return found || null;
};

/** GitHub cuts nothing: a longer label cannot exist. */
const label = ({ raw, wrong }: Reader): string => {
  const found = raw('destroy-label');
  if (found.length > 50) wrong('destroy-label', 'at most 50 characters');
  return found;
};
