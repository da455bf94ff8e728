import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
var r=({kind:n,name:e})=>`${n}/${e}`;export{r as a};
