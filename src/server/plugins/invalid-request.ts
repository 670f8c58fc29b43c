// What of a request does not fit the schema of its route, in words: the field, and what it may be. Values are never said again.

export interface Invalid {
  readonly detail: string;
  readonly field: string;
  readonly allowed?: readonly unknown[];
}

const FIELD_CHARS_MAX = 100;
const PLACES: Readonly<Record<string, string>> = { querystring: 'the query', body: 'the body', params: 'the path', headers: 'the headers' };

interface Failure {
  readonly keyword: string;
  readonly instancePath: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly message?: string;
}

/** Null when the error is not one of validation. */
export function explainInvalid(error: unknown): Invalid | null {
  if (!(error instanceof Error)) return null;
  const { validation, validationContext } = error as Error & { validation?: unknown; validationContext?: unknown };
  const first: unknown = Array.isArray(validation) ? validation[0] : null;
  if (!isFailure(first)) return null;
  const place = PLACES[String(validationContext)] ?? 'the request';
  const path = first.instancePath.slice(1).replaceAll('/', '.');
  if (first.keyword === 'required') return missing(join(path, first.params['missingProperty']), place);
  if (first.keyword === 'additionalProperties') {
    const field = join(path, first.params['additionalProperty']);
    return { field, detail: `"${field}" is not known in ${place}.` };
  }
  const field = path === '' ? place.slice('the '.length) : path.slice(0, FIELD_CHARS_MAX);
  const name = path === '' ? place.replace('the', 'The') : `"${field}" in ${place}`;
  const allowed = first.params['allowedValues'];
  if (Array.isArray(allowed)) return { field, allowed, detail: `${name} must be one of ${allowed.map(String).join(', ')}.` };
  return { field, detail: `${name} ${first.keyword === 'pattern' ? 'is not written as it has to be' : (first.message ?? 'is not valid')}.` };
}

function missing(field: string, place: string): Invalid {
  return { field, detail: `"${field}" is missing in ${place}.` };
}

function join(path: string, name: unknown): string {
  return `${path === '' ? '' : `${path}.`}${String(name)}`.slice(0, FIELD_CHARS_MAX);
}

function isFailure(value: unknown): value is Failure {
  if (typeof value !== 'object' || value === null) return false;
  const { keyword, instancePath, params }: Partial<Record<keyof Failure, unknown>> = value;
  return typeof keyword === 'string' && typeof instancePath === 'string' && typeof params === 'object' && params !== null;
}
