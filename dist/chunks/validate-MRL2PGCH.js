import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
import{a as l}from"./chunk-XII3SFZG.js";import{K as d,c}from"./chunk-BQRY6J7O.js";import{a as p}from"./chunk-XRFJW337.js";import"./chunk-IBSCAKGF.js";import"./chunk-ZCEHNUMW.js";import"./chunk-2XE6LIWG.js";import"./chunk-7EOH6EPF.js";import{a as u}from"./chunk-52GSXKT3.js";import"./chunk-QDTLTP5M.js";import{e as m,x as f}from"./chunk-NPVG2ZGM.js";import"./chunk-MU223M5X.js";import{d as a}from"./chunk-EQZZATR4.js";import"./chunk-LV6R4V7J.js";var S=async({inputs:$,context:v,log:r})=>{let{files:i}=await c($.manifest),{findings:t}=d(i),o=!t.some(a),n=f(t),[e]=i,s=i.length===1&&e?e.path:`${i.length} files`;r(l(t,{width:200,colour:!1,unicode:!0})),r(o?`${s}: valid${n?` (${n})`:""}`:`${s}: not valid, ${n}`);let g=o?`✅ Access manifest: valid${n?`, ${n}`:""}`:`❌ Access manifest: not valid, ${n}`;return{failure:o?null:{reason:"config-invalid",message:`the manifest is not valid: ${n}`},findings:t,summary:[`### ${g}

${m(s)}

${p(t,u(v))}`],outputs:{}}};export{S as validate};
