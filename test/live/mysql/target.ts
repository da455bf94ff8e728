import type { Target } from '../../../src/model/declared.ts';
import type { Mysql } from '../../lab/mysql/server.ts';
import { targetOf } from '../../providers/declared.ts';

/** A server of the lab as a target that `login` logs in to, by default its master; the password is in LAB_PASSWORD. */
export const mysqlTarget = (server: Mysql, login: Partial<Target['login']> = {}, endpoint: object = {}): Target =>
  targetOf({
    engine: server.flavour,
    endpoint: { kind: 'explicit', host: server.host, port: server.port, tls: 'disable', ...endpoint },
    login: { ...targetOf().login, ...login },
    maintenanceDatabase: '',
  });
