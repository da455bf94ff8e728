import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
import{n as t}from"./chunk-VSRLZ5CG.js";var e=n=>`${t(n,2)}
`;var c=n=>e(n);export{e as a,c as b};
