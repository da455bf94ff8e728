export function readSchema(): object;
export function validatorModule(schema: object): string;
export function referenceMarkdown(schema: object): string;
export function withReference(readme: string, schema: object): string;
