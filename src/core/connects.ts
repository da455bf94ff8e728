import type { DeclaredRole } from '../model/declared.ts';
import type { Finding } from '../model/finding.ts';
import type { DeclaredConnect } from '../model/iam.ts';
import { distinct } from '../model/key.ts';
import type { Place, Resource } from '../model/place.ts';
import { connectArn } from './aws.ts';

/** Who shall be able to log in as whom, and how: what the manifest says before anybody knows where its targets are. */
export type WantedConnect = Omit<DeclaredConnect, 'arns'> & { readonly via: DeclaredRole['via'] };

/** The ARNs that each principal shall be allowed to connect to: one for each resource that a client of the user meets. */
export const connectsOf = (
  wanted: readonly WantedConnect[],
  places: ReadonlyMap<string, Place>,
): { readonly connects: readonly DeclaredConnect[]; readonly findings: readonly Finding[] } => {
  const findings: Finding[] = [];
  const connects = wanted.flatMap(({ via, ...connect }): DeclaredConnect[] => {
    const place = places.get(connect.target);
    const trouble = place ? proxyTrouble(connect.user, connect.target, via, place) : placeless(connect.user, connect.target);
    if (!place || trouble) {
      findings.push({ ...trouble!, target: connect.target, source: connect.source });
      return [];
    }
    const arns = resourcesFor(via, place).map(({ id, region }) =>
      connectArn({ partition: place.partition, region, account: place.account, resource: id, user: connect.user }),
    );
    return [{ ...connect, arns: distinct(arns) }];
  });
  return { connects, findings };
};

/** A client of a proxy is authorised at the proxy; the proxy itself logs in to the server by its own role or secret. */
const resourcesFor = (via: DeclaredRole['via'], place: Place): readonly Resource[] =>
  via === 'direct' || place.kind === 'proxy' ? place.resources : place.proxies.filter(({ mode }) => mode === MODES[via]);

const MODES = { 'proxy-secret': 'standard', 'proxy-iam': 'end-to-end' } as const;

type Trouble = Pick<Finding, 'severity' | 'code' | 'message' | 'hint'>;

const placeless = (user: string, target: string): Trouble => ({
  severity: 'error',
  code: 'iam/no-place',
  message: `user '${user}' has principals on target '${target}', whose resource id nobody knows: no policy can name it`,
  hint: "find the target by 'rds', or add region, account and resource_id to its endpoint",
});

/** Of a proxy that the manifest names, the mode decides who needs what. */
const proxyTrouble = (user: string, target: string, via: DeclaredRole['via'], place: Place): Trouble | undefined => {
  if (via === 'direct' || resourcesFor(via, place).length > 0) return undefined;
  const others = place.proxies.map(({ name, mode }) => `'${name}' (${mode})`).join(', ');
  return {
    severity: 'error',
    code: 'iam/no-proxy',
    message: `user '${user}' comes to target '${target}' via: ${via}, and the target has no proxy in ${MODES[via]} mode${others ? `, only ${others}` : ''}`,
    hint: others ? 'change via, or the proxy' : "name it under 'proxies' of the target",
  };
};
