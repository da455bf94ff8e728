import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
var r=(t,p)=>{let o=new Map;for(let e of t)n(o,p(e),e);return o},n=(t,p,o)=>{let e=t.get(p);e?e.push(o):t.set(p,[o])};export{r as a,n as b};
