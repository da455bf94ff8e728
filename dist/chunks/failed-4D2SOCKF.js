import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
import{a,b}from"./chunk-HP5HLVZC.js";import"./chunk-ZMZPZU57.js";import"./chunk-URUTD4CK.js";import"./chunk-MU223M5X.js";import"./chunk-EQZZATR4.js";import"./chunk-LV6R4V7J.js";export{a as failedOutcome,b as reasonOf};
