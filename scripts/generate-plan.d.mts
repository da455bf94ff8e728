export function readPlanSchema(): object;
export function planValidatorModule(schema: object): string;
