import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
import{o as t}from"./chunk-URUTD4CK.js";var e=n=>`${t(n,2)}
`;var c=n=>e(n);export{e as a,c as b};
