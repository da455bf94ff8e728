import { Failure, type Finding } from '../model/finding.ts';

/** What a finding tells of a manifest, and what the same is called where a server is named on the command line. */
const WORDS: readonly (readonly [RegExp, string])[] = [
  [/(?:write|name) rds: \{ (cluster|instance|proxy): ([^\s,…]+), region: ([^\s,…]+) \}/g, 'write --rds $1/$2 --region $3'],
  [/(?:write|name) rds: \{[^}]*…[^}]*\}/g, 'write --rds cluster/NAME --region REGION'],
  [/, or add endpoint\.resource_id|, or endpoint\.region/g, ''],
  [/or endpoint: \{ host: … \}/g, 'or --host'],
  [/check PGHOST and PGPORT, or DATABASE_URL/g, 'check --host and --port, or PGHOST, PGPORT and DATABASE_URL'],
  [/not verified, as the manifest says/g, 'not verified'],
  [/for '(.*)' on target '.*' alone write rolecall (\w+) (.*) --target .*$/, "for '$1' write rolecall $2 $3, and the server beside it"],
  [/correct 'databases' or 'maintenance_database'/g, 'name another with --database'],
  [/write 'login: \{ user: … \}'/g, 'name it with --user'],
  [/none of RDS, as the manifest has it/g, 'none of RDS'],
  [/correct 'login\.user'/g, 'name it with --user'],
  [/correct 'rds\.region'/g, 'correct --region'],
  [/'endpoint\.host' and 'endpoint\.port'/g, '--host and --port'],
  [/'endpoint\.(host|port|via)'/g, '--$1'],
  [/and the manifest says 'engine: (\w+)'/g, 'and $1 is expected'],
  [/but the manifest says 'engine: (\w+)'/g, 'but $1 is expected'],
  [/write engine: (\w+)(?:, or correct the endpoint)?/g, 'write --engine $1'],
  [/check the (?:password\b|value of '[^']*')/g, 'check PGPASSWORD (MySQL, MariaDB: MYSQL_PWD)'],
  [/write 'login: \{ password: [^}]*\}" \}'/g, 'set PGPASSWORD (MySQL, MariaDB: MYSQL_PWD)'],
  [/then write login: \{ auth: iam \}/g, 'then leave MYSQL_PWD unset'],
  [/write tls: verify-full, or leave 'tls' out/g, 'write --tls verify-full'],
  [/use 'tls: verify-full' and name the authority's certificate in 'ca'/g, "name the authority's certificate with --ca"],
  [/'tls: (verify-full|require|disable)'/g, "'--tls $1'"],
  [
    /name the file with the authority's certificate in 'ca'; 'ca: rds' stands for/g,
    "name the file with the authority's certificate with --ca; '--ca rds' stands for",
  ],
  [/in 'ca'(?: \(or PGSSLROOTCERT\))?/g, 'with --ca'],
];

/** The same in the words of options; where in a manifest it stands is no matter then, and whoever prints it says of which target it is. */
export const inOptions = <T extends { readonly message: string; readonly hint?: string }>(told: T): T => {
  const { source: _, ...rest } = told as T & Pick<Finding, 'source'>;
  return {
    ...rest,
    message: worded(told.message.replace(/^target '[^']*': /, '')),
    ...(told.hint === undefined ? {} : { hint: worded(told.hint) }),
  } as unknown as T;
};

/** Runs what is about a server that was named on the command line: its trouble is told in that language. */
export const withOptionWords = async <T>(own: boolean, work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    if (own || !(error instanceof Failure)) throw error;
    throw new Failure(error.findings.map(inOptions), error.exitCode);
  }
};

const worded = (text: string): string => WORDS.reduce((said, [manifest, options]) => said.replace(manifest, options), text);
