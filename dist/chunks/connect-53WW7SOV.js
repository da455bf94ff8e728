import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
import{b as a,c as b,d as c,e as d}from"./chunk-2E2FHEPN.js";import"./chunk-SJ53QBIL.js";import"./chunk-EQZZATR4.js";import"./chunk-LV6R4V7J.js";export{a as accessWith,b as credentialsOf,c as keysByToken,d as ownRegion};
