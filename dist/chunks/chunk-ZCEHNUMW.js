import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
var e=({kind:n,name:r})=>`${n}/${r}`;export{e as a};
