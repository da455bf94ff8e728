import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
var p=(r,n)=>{let e=new Map;for(let o of r){let t=n(o),s=e.get(t);s?s.push(o):e.set(t,[o])}return e};export{p as a};
