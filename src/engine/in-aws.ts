import type { Target } from '../model/declared.ts';
import { rdsHost, regionInHost } from '../model/rds-host.ts';

/** Whether the server is one of RDS, by what is declared and named. */
export const isInAws = ({ rds, endpoint }: Target): boolean =>
  rds !== undefined || (endpoint.kind === 'explicit' && (endpoint.aws?.resourceId !== undefined || rdsHost(endpoint.host) !== undefined));

/** Where the server is in AWS, by what was found, declared or named. */
export const regionOf = ({ place, rds, endpoint }: Target): string | undefined =>
  place?.region ?? rds?.region ?? (endpoint.kind === 'explicit' ? (endpoint.aws?.region ?? regionInHost(endpoint.host)) : undefined);
