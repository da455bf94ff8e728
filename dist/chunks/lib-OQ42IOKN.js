import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
import{a}from"./chunk-2A7DTB4C.js";import"./chunk-LV6R4V7J.js";export default a();
