import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
import{a as l}from"./chunk-FXURW3HL.js";import{K as d,c}from"./chunk-3G3GAAB6.js";import{a as p}from"./chunk-ZMZPZU57.js";import"./chunk-IBSCAKGF.js";import"./chunk-ZCEHNUMW.js";import"./chunk-XDFT2EIY.js";import"./chunk-7EOH6EPF.js";import{a as u}from"./chunk-27DWRRWJ.js";import"./chunk-7BXB473G.js";import{e as m,y as f}from"./chunk-URUTD4CK.js";import"./chunk-MU223M5X.js";import{d as a}from"./chunk-EQZZATR4.js";import"./chunk-LV6R4V7J.js";var S=async({inputs:$,context:v,log:r})=>{let{files:i}=await c($.manifest),{findings:t}=d(i),o=!t.some(a),n=f(t),[e]=i,s=i.length===1&&e?e.path:`${i.length} files`;r(l(t,{width:200,colour:!1,unicode:!0})),r(o?`${s}: valid${n?` (${n})`:""}`:`${s}: not valid, ${n}`);let g=o?`✅ Access manifest: valid${n?`, ${n}`:""}`:`❌ Access manifest: not valid, ${n}`;return{failure:o?null:{reason:"config-invalid",message:`the manifest is not valid: ${n}`},findings:t,summary:[`### ${g}

${m(s)}

${p(t,u(v))}`],outputs:{}}};export{S as validate};
