/** The package as a library: read a manifest, plan, render, apply. */
export { applyTarget } from './engine/apply.ts';
export { planOf, planTarget } from './engine/plan.ts';
export { planTargets, providerOf } from './engine/read.ts';
export { declare } from './manifest/declare.ts';
export { loadManifest } from './manifest/load.ts';
export { readManifest, targetsOf } from './manifest/validate.ts';
export { Failure, type Finding } from './model/finding.ts';
export type { Plan, PlanTarget } from './model/plan.ts';
export type { ApplyResult } from './model/result.ts';
export { planJson } from './render/json.ts';
export { planMarkdown } from './render/markdown.ts';
export { readPlan } from './render/saved-plan.ts';
export { planSql } from './render/sql.ts';
export { planText } from './render/terminal.ts';
