import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
var i={ok:0,error:1,changes:2,refused:3,stale:4,partial:5,locked:6,interrupted:130},t=class extends Error{findings;exitCode;constructor(r,o=i.error){super(r.map(n=>n.message).join(`
`)),this.name="Failure",this.findings=r,this.exitCode=o}},s=(e,r,o={},n=i.error)=>new t([{severity:"error",code:e,message:r,...o}],n),a=e=>e.severity==="error";export{i as a,t as b,s as c,a as d};
