import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
var e=["close","create","alter","own","grant","default","member","revoke","release","open","drop"];export{e as a};
