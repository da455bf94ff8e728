import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
import{c as a,d as b,e as c,f as d}from"./chunk-6KTICABQ.js";import"./chunk-EQZZATR4.js";import"./chunk-LV6R4V7J.js";export{a as accessWith,b as credentialsOf,c as keysByToken,d as ownRegion};
