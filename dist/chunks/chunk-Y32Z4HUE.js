import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
var r={roles:new Map,memberships:[],settings:[],grants:[],ownerships:[],defaults:[],publics:[],removed:[],existing:new Set},n=({target:e})=>e.endpoint.kind!=="aws";export{r as a,n as b};
