import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
import{a}from"./chunk-SJ53QBIL.js";import"./chunk-EQZZATR4.js";import"./chunk-LV6R4V7J.js";export{a as awsFailure};
