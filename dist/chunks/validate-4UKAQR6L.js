import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
import{C as c,c as f}from"./chunk-6J72UZ5M.js";import"./chunk-MGHN5DO5.js";import"./chunk-ZCEHNUMW.js";import{a as u}from"./chunk-AF6H25MS.js";import{a as p}from"./chunk-3AL6GYYO.js";import"./chunk-VOJQLBKM.js";import{g as d,i as l}from"./chunk-TQ575YQU.js";import{d as m}from"./chunk-VSRLZ5CG.js";import"./chunk-4K6SMSCT.js";import{d as a}from"./chunk-37QO3B7Q.js";import"./chunk-LV6R4V7J.js";var R=async({inputs:$,context:v,log:e})=>{let{files:i}=await f($.manifest),{findings:t}=c(i),o=!t.some(a),n=l(t),[r]=i,s=i.length===1&&r?r.path:`${i.length} files`;e(d(t,{width:200,colour:!1,unicode:!0})),e(o?`${s}: valid${n?` (${n})`:""}`:`${s}: not valid, ${n}`);let g=o?`✅ Access manifest: valid${n?`, ${n}`:""}`:`❌ Access manifest: not valid, ${n}`;return{failure:o?null:{reason:"config-invalid",message:`the manifest is not valid: ${n}`},findings:t,summary:[`### ${g}

${m(s)}

${u(t,p(v))}`],outputs:{}}};export{R as validate};
