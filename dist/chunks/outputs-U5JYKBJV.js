import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
import"./chunk-LV6R4V7J.js";import{createHash as s}from"node:crypto";var i=1e6,g=n=>Object.entries(n).filter(([,t])=>t!==null).map(([t,r])=>o(t,String(r))).join(""),o=(n,t)=>{let r=`end_${s("sha256").update(t).digest("hex")}`;return`${n}<<${r}
${t}
${r}
`},f=(n,t=i)=>n.length===0?"":`${n.find(e=>Buffer.byteLength(e)<=t)??`> [!WARNING]
> This summary is longer than GitHub shows: all of it is in the files that the step wrote.`}
`;export{g as outputsText,f as summaryText};
