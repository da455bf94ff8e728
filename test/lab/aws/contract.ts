import { check, checkError } from './models.ts';

/** What a client of the SDK and we need of one another: its stack of middleware. */
type Client = {
  readonly middlewareStack: { add: (middleware: never, options: { readonly step: 'initialize'; readonly name: string }) => void };
};
type Call = { readonly input: unknown };
type Next = (call: Call) => Promise<{ readonly output: unknown }>;
type ServiceError = { readonly name?: string; readonly $metadata?: { readonly httpStatusCode?: number } };

/**
 * Holds every call of this client against AWS's own model of the service: what goes in, what comes out, and that the operation
 * may answer with this error. Hands back what was wrong so far, a line each.
 */
export function contract(client: Client, service: string): { readonly violations: () => readonly string[] } {
  const violations: string[] = [];
  const middleware =
    (next: Next, { commandName = '' }: { readonly commandName?: string }) =>
    async (call: Call) => {
      const operation = commandName.replace(/Command$/, '');
      violations.push(...check(service, operation, 'input', call.input));
      try {
        const answer = await next(call);
        violations.push(...check(service, operation, 'output', answer.output));
        return answer;
      } catch (error) {
        const { name = '', $metadata } = error as ServiceError;
        // without a status it never came to an answer: a broken connection is no matter of the model
        if ($metadata?.httpStatusCode !== undefined) violations.push(...checkError(service, operation, name, $metadata.httpStatusCode));
        throw error;
      }
    };
  client.middlewareStack.add(middleware as never, { step: 'initialize', name: 'contract' });
  return { violations: () => violations };
}
