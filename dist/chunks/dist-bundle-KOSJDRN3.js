import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
import{a,b}from"./chunk-PQOPOXVO.js";import"./chunk-YJ6326F5.js";import"./chunk-JM4MDXX5.js";import"./chunk-LV6R4V7J.js";export{a as VERSION,b as retry};
