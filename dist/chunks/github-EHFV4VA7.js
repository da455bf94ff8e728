import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
import{b as a,c as b}from"./chunk-KQQMLPZK.js";import"./chunk-R5LOKKO2.js";import"./chunk-YJ6326F5.js";import"./chunk-LV6R4V7J.js";export{a as context,b as getOctokit};
