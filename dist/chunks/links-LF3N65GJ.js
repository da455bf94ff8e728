import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
import{a}from"./chunk-27DWRRWJ.js";import"./chunk-7BXB473G.js";import"./chunk-URUTD4CK.js";import"./chunk-MU223M5X.js";import"./chunk-LV6R4V7J.js";export{a as lineLink};
