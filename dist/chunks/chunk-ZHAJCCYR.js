import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
var s=/^[a-z0-9.-]+\.(?:([a-z0-9-]+)\.rds|rds\.(cn-[a-z0-9-]+))\.(?:amazonaws\.com(?:\.cn)?|amazonaws\.eu|c2s\.ic\.gov|sc2s\.sgov\.gov)$/,r=n=>{let o=s.exec(n.toLowerCase());if(!o)return;let e=o[1]??o[2];return{region:e==="global"?null:e,proxy:/\.proxy-[a-z0-9]+\./.test(n.toLowerCase())}};export{r as a};
