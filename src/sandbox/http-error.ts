import type { TilledErrorBody } from '../tilled/tilled.shapes.js';

/** An answer other than success, with the body NestJS gives it. Thrown by handlers; whatever they changed is undone. */
export class HttpError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly code?: string,
  ) {
    super(message);
  }

  /** The body of the answer. */
  get body(): TilledErrorBody {
    const named = { statusCode: this.status, message: this.message, error: REASONS[this.status] ?? 'Error' };
    return this.code === undefined ? named : { ...named, code: this.code };
  }
}

const REASONS: Record<number, string> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  409: 'Conflict',
  413: 'Payload Too Large',
  422: 'Unprocessable Entity',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

/** What is asked for is written wrong, whatever the state of anything. */
export class InvalidRequest extends HttpError {
  constructor(message: string) {
    super(400, message);
  }
}

/** The request is wrong, or the state of the object forbids it. */
export function badRequest(message: string): HttpError {
  return new HttpError(400, message);
}

/** There is no such object in the account; those of other accounts are not there either. */
export function notFound(noun: string, id: string): HttpError {
  return new HttpError(404, `${noun} ${id} not found`);
}
