export function readAction(): object;
export function actionMarkdown(action: object): string;
export function withActionReference(readme: string, action: object): string;
