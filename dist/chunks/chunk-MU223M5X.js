import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
var n=(t,r)=>t<r?-1:t>r?1:0,s=t=>/^[A-Za-z_][A-Za-z0-9_$-]*$/.test(t)&&t!=="PUBLIC"?t:`"${t.replaceAll('"','""')}"`,e=(...t)=>t.map(s).join("."),i=t=>[...new Set(t)].sort(n);export{n as a,s as b,e as c,i as d};
