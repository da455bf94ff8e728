/** The catalog rows that a plan rests on, as they are, in one message: the floor that reading and planning are measured against. */
export const RAW = [
  'SELECT oid, rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls, rolconnlimit, rolvaliduntil FROM pg_roles',
  'SELECT roleid, member, grantor, admin_option FROM pg_auth_members',
  'SELECT oid, nspname, nspowner, nspacl::text FROM pg_namespace',
  "SELECT oid, relname, relnamespace, relkind, relowner, relacl::text FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S')",
  'SELECT attrelid, attname, attacl::text FROM pg_attribute WHERE attacl IS NOT NULL',
  'SELECT oid, proname, pronamespace, proowner, proargtypes, proacl::text FROM pg_proc WHERE oid >= 16384',
  'SELECT defaclrole, defaclnamespace, defaclobjtype, defaclacl::text FROM pg_default_acl',
].join(';');
