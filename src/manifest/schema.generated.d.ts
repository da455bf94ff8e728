/** One violation, as ajv reports it. */
export type Violation = {
  readonly instancePath: string;
  readonly schemaPath: string;
  readonly keyword: string;
  readonly params: Readonly<Record<string, unknown>>;
};

/** Whether the value has the shape of a manifest; the violations of the last call are its `errors`. */
export const validate: {
  (value: unknown): boolean;
  errors: readonly Violation[] | null;
};

/** The schema without descriptions, examples and defaults. */
export const shape: object;
