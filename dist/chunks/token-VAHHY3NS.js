import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
import{a}from"./chunk-SKKCM43F.js";import"./chunk-ZHAJCCYR.js";import"./chunk-EQZZATR4.js";import"./chunk-LV6R4V7J.js";export{a as tokenFor};
