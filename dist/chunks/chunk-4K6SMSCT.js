import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
var n=["database","schema","table","column","sequence","routine","type","language","foreign_data_wrapper","foreign_server","tablespace","large_object","parameter"],t={public:!0},r=e=>typeof e!="string",a=e=>r(e)?"":e,o=e=>e===""?t:e;export{n as a,t as b,r as c,a as d,o as e};
