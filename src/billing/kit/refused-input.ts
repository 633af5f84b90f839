import { AppError, ProcessorRejected, UserErrorCode } from '../../platform/errors.js';

/** Tilled's names of what it is sent, and the paths of the input they come from. */
export type SentFields = Readonly<Record<string, readonly string[]>>;

/** The processor refused the value of a field. Nothing was done, so its key may be used again. */
class RefusedInput extends AppError {
  readonly code = UserErrorCode.INVALID;
  override readonly isOutcome = false;

  constructor(
    { message }: ProcessorRejected,
    override readonly field: readonly string[],
  ) {
    super(message);
  }
}

/** Runs `work`. A refusal in which Tilled names one of the fields is thrown as INVALID with the field's path. */
export async function namingInput<T>(fields: SentFields, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const field = error instanceof ProcessorRejected ? fieldIn(error.reason, fields) : undefined;
    throw field === undefined ? error : new RefusedInput(error as ProcessorRejected, field);
  }
}

/** Tilled begins what it says of a field with its name: "resume_at must not be in the past". */
function fieldIn(reason: string, fields: SentFields): readonly string[] | undefined {
  const name = /^([a-z_]+) (?:must|should|cannot|is|has)\b/.exec(reason)?.[1] ?? '';
  return Object.hasOwn(fields, name) ? fields[name] : undefined;
}
