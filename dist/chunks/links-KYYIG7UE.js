import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
import{a}from"./chunk-52GSXKT3.js";import"./chunk-QDTLTP5M.js";import"./chunk-NPVG2ZGM.js";import"./chunk-MU223M5X.js";import"./chunk-LV6R4V7J.js";export{a as lineLink};
