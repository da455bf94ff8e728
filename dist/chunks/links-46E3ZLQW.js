import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
import{a}from"./chunk-GMXE2PXN.js";import"./chunk-HHYCYHEW.js";import"./chunk-QG2PXUJA.js";import"./chunk-SQ6SWWAY.js";import"./chunk-4K6SMSCT.js";import"./chunk-37QO3B7Q.js";import"./chunk-LV6R4V7J.js";export{a as lineLink};
