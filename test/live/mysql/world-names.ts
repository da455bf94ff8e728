/** Roles of the manifests, and users that are nobody's: the last differs from the first user by case alone. */
export type Names = { readonly groups: readonly string[]; readonly users: readonly string[]; readonly foreign: readonly string[] };

/** Three that patterns take for one another, and one that needs quoting everywhere. */
export const SCHEMAS = ['my_db', 'myXdb', 'orders', 'o`\\_%"d\'.s'] as const;
export const TABLES = ['t1', 't2', 'T `"\\_%'] as const;
export const COLUMNS = ['i', 'j', 'c `"\\'] as const;
export const HOSTS = ['%', '127.0.0.1', '10.%', 'localhost', '10.0.0.0/255.0.0.0'] as const;
