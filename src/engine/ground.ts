import { declaredPlace } from '../core/declared-place.ts';
import { tokenTarget } from '../core/postgres-variables.ts';
import type { Manifest } from '../manifest/content.ts';
import { targetNamed } from '../manifest/declare.ts';
import { declareIam } from '../manifest/declare-iam.ts';
import type { Declared, Target } from '../model/declared.ts';
import { type Finding, isError } from '../model/finding.ts';
import { distinct } from '../model/key.ts';
import type { Place } from '../model/place.ts';
import type { Expectation } from '../model/proof.ts';
import { createLookup } from '../providers/lookup.ts';
import { regionOf } from './in-aws.ts';
import { type Principals, principalsOf } from './principals.ts';

/** Where everything is, and who is who. `troubles`: what keeps a target from being logged in to at all. */
export type Ground = {
  readonly targets: ReadonlyMap<string, Target>;
  readonly troubles: ReadonlyMap<string, Finding>;
  /** null: nobody logs in by IAM. */
  readonly principals: Principals | null;
  readonly findings: readonly Finding[];
};

/** ■ Finds the targets of the expectations, and who is who. IAM that is off is no obstacle here: it is what a proof may come to. */
export const groundOf = async (manifest: Manifest, expectations: readonly Expectation[], asOf: string): Promise<Ground> => {
  const secrets = createLookup();
  const declared = distinct(expectations.map(({ target }) => target)).map((name) => ({
    ...tokenTarget(targetNamed(manifest, name), process.env),
    secrets,
  }));
  const { targets, findings } = await found(declared);
  const byName = new Map(targets.map((target) => [target.name, withPlace(target)]));
  const byIam = expectations.filter(({ by }) => by === 'iam');
  const region =
    byIam.flatMap(({ target }) => regionOf(byName.get(target)!) ?? [])[0] ?? process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION;
  const principals =
    byIam.length === 0 || region === undefined
      ? null
      : await principalsOf({
          account: accountFor(manifest, byName, asOf),
          expectations: byIam,
          region,
        });
  return {
    targets: byName,
    troubles: new Map(findings.filter(isError).flatMap((finding) => (finding.target === undefined ? [] : [[finding.target, finding]]))),
    principals,
    findings: [...findings.filter((finding) => !isError(finding)), ...(principals?.findings ?? [])],
  };
};

const found = async (
  targets: readonly Target[],
): Promise<{ readonly targets: readonly Target[]; readonly findings: readonly Finding[] }> => {
  if (!targets.some(({ rds, login }) => rds !== undefined || login.auth === 'iam')) return { targets, findings: [] };
  const { discover } = await import('../providers/rds/rds.ts');
  return await discover(targets, { needIam: new Set() });
};

const withPlace = (target: Target): Target => {
  const place = target.place ?? declaredPlace(target);
  return place ? { ...target, place } : target;
};

/** The account as those who read it are told of it: which one, and where its targets are. */
const accountFor = (manifest: Manifest, targets: ReadonlyMap<string, Target>, asOf: string): Pick<Declared, 'target' | 'iam'> => {
  const account = declareIam(manifest, { asOf });
  const places = new Map([...targets].flatMap(([name, { place }]): [string, Place][] => (place ? [[name, place]] : [])));
  if (account === null) return { target: [...targets.values()][0]!, iam: null };
  return { ...account, iam: { ...account.iam, connects: [], places, logins: null, flips: new Set() } };
};
