import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
import{a}from"./chunk-3AL6GYYO.js";import"./chunk-VOJQLBKM.js";import"./chunk-TQ575YQU.js";import"./chunk-VSRLZ5CG.js";import"./chunk-4K6SMSCT.js";import"./chunk-37QO3B7Q.js";import"./chunk-LV6R4V7J.js";export{a as lineLink};
