import type { Exchange } from './openapi.ts';
import { approvalOf, artifactOf, labelEventOf, workflowRunOf } from './records.ts';

/*
 * OUR OWN stand-in for what the emulator lacks: pull requests of a commit, timelines, workflow runs and their approvals, artifacts, ID tokens and
 * GraphQL. No third party vouches for its behaviour; its REST answers are judged by GitHub's description (openapi.ts).
 */

export type Run = {
  readonly id: number;
  readonly headSha: string;
  readonly event: string;
  readonly branch: string;
  /** `.github/workflows/access.yml` */
  readonly path?: string;
  readonly conclusion: 'success' | 'failure' | null;
  readonly createdAt: string;
  /** Of the head, where it is a fork's. */
  readonly headRepositoryId?: number;
};
export type StoredArtifact = { readonly id: number; readonly name: string; readonly runId: number; readonly zip: Buffer; expired: boolean };
export type LabelEvent = { readonly number: number; readonly label: string; readonly by: string; readonly at: Date };
export type Approval = { readonly by: string; readonly environment: string };

/** What tests set and look at. */
export type RoutesState = {
  readonly runs: Map<number, Run>;
  readonly artifacts: StoredArtifact[];
  readonly approvals: Map<number, readonly Approval[]>;
  /** Who put which label on what; oldest first. */
  readonly labelled: LabelEvent[];
  /** Numbers of pull requests by commit, where it is not what git says. */
  readonly pullsOfCommit: Map<string, readonly number[]>;
  /** Answers GraphQL: its data, or what it throws as the one error. */
  graphql: (query: string, variables: Readonly<Record<string, unknown>>) => unknown;
  /** The job's ID token for an audience. */
  idToken: (audience: string) => string;
};

export type Answer = {
  readonly status: number;
  readonly body?: unknown;
  readonly bytes?: Buffer;
  readonly headers?: Readonly<Record<string, string>>;
};
export type Asked = Pick<Exchange, 'method' | 'path'> & { readonly body: Buffer };

/** What the routes have to know of the world around them. */
export type World = {
  readonly url: string;
  readonly repository: { readonly owner: string; readonly name: string; readonly id: number };
  /** Asks the emulator, as the owner. */
  readonly ask: (method: string, path: string) => Promise<unknown>;
};

export const newState = (): RoutesState => ({
  runs: new Map(),
  artifacts: [],
  approvals: new Map(),
  labelled: [],
  pullsOfCommit: new Map(),
  graphql: () => {
    throw new Error('Resource not accessible by integration');
  },
  idToken: (audience) => `e30.${Buffer.from(JSON.stringify({ aud: audience })).toString('base64url')}.signature`,
});

type Handler = (matched: readonly string[], asked: Asked, url: URL) => Answer | Promise<Answer>;
type Route = readonly [method: string, pattern: RegExp, handle: Handler];

/** Answers a request, or null where it is the emulator's. */
export const missingRoutes = (state: RoutesState, world: World): ((asked: Asked) => Promise<Answer | null>) => {
  const routes = [...restRoutes(state, world), ...uploadRoutes(state, world), ...otherRoutes(state)];
  return async (asked) => {
    const url = new URL(asked.path, world.url);
    for (const [method, pattern, handle] of routes) {
      const matched = asked.method === method ? pattern.exec(url.pathname) : null;
      if (matched) return await handle(matched.slice(1), asked, url);
    }
    return null;
  };
};

const ok = (body: unknown): Answer => ({ status: 200, body });
const NOT_FOUND: Answer = { status: 404, body: { message: 'Not Found', documentation_url: 'https://docs.github.com/rest', status: '404' } };

const restRoutes = (state: RoutesState, world: World): readonly Route[] => {
  const at = (path: string): RegExp => new RegExp(`^/repos/${world.repository.owner}/${world.repository.name}${path}$`);
  const listed = (artifacts: readonly StoredArtifact[], url: URL): Answer => {
    const name = url.searchParams.get('name');
    const chosen = artifacts.filter((artifact) => name === null || artifact.name === name);
    const written = [...chosen].reverse().map((artifact) => artifactOf(artifact, state.runs.get(artifact.runId), world));
    return ok({ total_count: chosen.length, artifacts: written });
  };
  return [
    ['GET', at('/commits/([0-9a-f]{7,40})/pulls'), async ([sha = '']) => ok(await pullsOfCommit(sha, state, world))],
    [
      'GET',
      at('/issues/(\\d+)/timeline'),
      ([number]) => ok(state.labelled.filter((event) => event.number === Number(number)).map((event) => labelEventOf(event, world))),
    ],
    ['GET', at('/actions/artifacts'), (_, _asked, url) => listed(state.artifacts, url)],
    [
      'GET',
      at('/actions/runs/(\\d+)/artifacts'),
      ([run], _asked, url) =>
        listed(
          state.artifacts.filter(({ runId }) => runId === Number(run)),
          url,
        ),
    ],
    ['GET', at('/actions/artifacts/(\\d+)/zip'), ([id]) => downloadOf(state, world, Number(id))],
    [
      'GET',
      at('/actions/runs/(\\d+)'),
      ([id]) => {
        const run = state.runs.get(Number(id));
        return run ? ok(workflowRunOf(run, world)) : NOT_FOUND;
      },
    ],
    [
      'GET',
      at('/actions/runs/(\\d+)/approvals'),
      ([id]) => ok((state.approvals.get(Number(id)) ?? []).map((one) => approvalOf(one, world))),
    ],
    [
      'GET',
      at('/collaborators/([^/]+)/permission'),
      async ([login]) => {
        const answer = (await world.ask(
          'GET',
          `/repos/${world.repository.owner}/${world.repository.name}/collaborators/${login}/permission`,
        )) as Permission;
        return ok({
          ...answer,
          permission: LEGACY[answer.permission] ?? answer.permission,
          user: { ...answer.user, role_name: answer.role_name },
        });
      },
    ],
    // The token of a workflow belongs to no user; the emulator says that it is the owner's.
    [
      'GET',
      /^\/user$/,
      () => ({ status: 403, body: { message: 'Resource not accessible by integration', documentation_url: '', status: '403' } }),
    ],
    ['GET', at('/actions/workflows/([^/]+)/runs'), ([file = ''], _asked, url) => ok(runsOf(file, url, state, world))],
  ];
};

/** Permissions by their older names, which this route still answers with. */
const LEGACY: Readonly<Record<string, string>> = { push: 'write', maintain: 'write', pull: 'read', triage: 'read' };
type Permission = { readonly permission: string; readonly role_name: string; readonly user: object };

/** As git has them: the commit that a pull request was merged with, its head, or one of its commits. */
const pullsOfCommit = async (sha: string, state: RoutesState, { ask, repository }: World): Promise<unknown[]> => {
  const base = `/repos/${repository.owner}/${repository.name}`;
  const pulls = (await ask('GET', `${base}/pulls?state=all&per_page=100`)) as readonly Pull[];
  const told = state.pullsOfCommit.get(sha);
  if (told) return pulls.filter(({ number }) => told.includes(number));
  const own: Pull[] = [];
  for (const pull of pulls) {
    const commits = (await ask('GET', `${base}/pulls/${pull.number}/commits?per_page=100`)) as readonly { readonly sha: string }[];
    const isMerge = pull.merge_commit_sha === sha && pull.merged_at !== null;
    if (isMerge || pull.head.sha === sha || commits.some((commit) => commit.sha === sha)) own.push(withTexts(pull));
  }
  return own;
};
/** In this list a label without a description has an empty one. */
const withTexts = (pull: Pull): Pull => ({
  ...pull,
  labels: pull.labels.map((label) => ({ ...label, description: label.description ?? '' })),
});
type Pull = {
  readonly labels: readonly { readonly description?: string | null }[];
  readonly number: number;
  readonly merge_commit_sha: string | null;
  readonly merged_at: string | null;
  readonly head: { readonly sha: string };
};

const runsOf = (file: string, url: URL, state: RoutesState, world: World): unknown => {
  const wanted = (name: string, value: string | null): boolean => [null, value].includes(url.searchParams.get(name));
  const runs = [...state.runs.values()]
    .filter(({ path = '.github/workflows/access.yml' }) => path.endsWith(`/${file}`))
    .filter(({ branch, event, conclusion }) => wanted('branch', branch) && wanted('event', event) && wanted('status', conclusion))
    .sort((a, b) => b.id - a.id);
  const page = runs.slice(0, Number(url.searchParams.get('per_page') ?? 30));
  return { total_count: runs.length, workflow_runs: page.map((run) => workflowRunOf(run, world)) };
};

const downloadOf = (state: RoutesState, { url }: World, id: number): Answer => {
  const artifact = state.artifacts.find((one) => one.id === id);
  if (artifact === undefined) return NOT_FOUND;
  if (artifact.expired) return { status: 410, body: { message: 'Artifact has expired' } };
  return { status: 302, headers: { location: `${url}/_blob/${id}` } };
};

/** The service that artifacts are sent to: create, put the blocks, finalize. */
const uploadRoutes = (state: RoutesState, { url }: World): readonly Route[] => {
  const blobs = new Map<string, Map<string, Buffer>>();
  const call = (name: string): RegExp => new RegExp(`^/twirp/github\\.actions\\.results\\.api\\.v1\\.ArtifactService/${name}$`);
  const indexOf = ({ name, run }: Key): number => state.artifacts.findIndex((one) => one.runId === run && one.name === name);
  return [
    [
      'POST',
      call('CreateArtifact'),
      (_, { body }) => {
        const key = keyOf(body);
        if (indexOf(key) >= 0) return { status: 409, body: { code: 'already_exists', msg: 'an artifact with this name already exists' } };
        return ok({ ok: true, signed_upload_url: `${url}/_upload/${key.run}/${encodeURIComponent(key.name)}?sig=1` });
      },
    ],
    [
      'PUT',
      /^\/_upload\/(.+)$/,
      ([at = ''], { body }, { searchParams }) => {
        const blocks = blobs.get(at) ?? new Map<string, Buffer>();
        const order = [...body.toString().matchAll(/<Latest>([^<]*)<\/Latest>/g)].map(([, id = '']) => blocks.get(id) ?? Buffer.alloc(0));
        if (searchParams.get('comp') === 'block') blobs.set(at, blocks.set(searchParams.get('blockid') ?? '', body));
        else blobs.set(at, new Map([['', searchParams.get('comp') === 'blocklist' ? Buffer.concat(order) : body]]));
        return { status: 201, headers: { etag: '"1"' } };
      },
    ],
    [
      'POST',
      call('FinalizeArtifact'),
      (_, { body }) => {
        const { name, run } = keyOf(body);
        const zip = blobs.get(`${run}/${encodeURIComponent(name)}`)?.get('') ?? Buffer.alloc(0);
        const id = 1 + Math.max(100, ...state.artifacts.map((artifact) => artifact.id));
        state.artifacts.push({ id, name, runId: run, zip, expired: false });
        return ok({ ok: true, artifact_id: String(id) });
      },
    ],
    [
      'POST',
      call('DeleteArtifact'),
      (_, { body }) => {
        const index = indexOf(keyOf(body));
        if (index < 0) return { status: 404, body: { code: 'not_found', msg: 'not found' } };
        const [gone] = state.artifacts.splice(index, 1);
        return ok({ ok: true, artifact_id: String(gone!.id) });
      },
    ],
    [
      'POST',
      call('ListArtifacts'),
      (_, { body }) => {
        const { run } = keyOf(body);
        const ours = state.artifacts.filter(({ runId }) => runId === run);
        const written = ours.map(({ id, name, zip }) => ({
          workflow_run_backend_id: String(run),
          workflow_job_run_backend_id: `job-${run}`,
          database_id: String(id),
          name,
          size: String(zip.length),
        }));
        return ok({ artifacts: written });
      },
    ],
  ];
};

type Key = { readonly name: string; readonly run: number };
const keyOf = (body: Buffer): Key => {
  const { name = '', workflow_run_backend_id, workflowRunBackendId } = JSON.parse(body.toString()) as Record<string, string>;
  return { name, run: Number(workflow_run_backend_id ?? workflowRunBackendId) };
};

const otherRoutes = (state: RoutesState): readonly Route[] => [
  [
    'GET',
    /^\/_blob\/(\d+)$/,
    ([id]) => ({
      status: 200,
      bytes: state.artifacts.find((artifact) => artifact.id === Number(id))?.zip ?? Buffer.alloc(0),
      headers: { 'content-type': 'application/zip' },
    }),
  ],
  ['GET', /^\/_id-token$/, (_, _asked, { searchParams }) => ok({ value: state.idToken(searchParams.get('audience') ?? '') })],
  [
    'POST',
    /^\/graphql$/,
    (_, { body }) => {
      const { query, variables = {} } = JSON.parse(body.toString()) as {
        readonly query: string;
        readonly variables?: Record<string, unknown>;
      };
      try {
        return ok({ data: state.graphql(query, variables) });
      } catch (error) {
        return ok({ data: null, errors: [{ type: 'FORBIDDEN', message: (error as Error).message }] });
      }
    },
  ],
];
