import { type Context, Hono, type MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { Operation } from 'rfc6902';
import { z } from 'zod';
import { excessOf } from './excess.ts';

// What the API server reads of a request (MaxRequestBodyBytes of apiserver/pkg/server/config.go); the pod in a review comes
// from one.
const bodyLimitBytes = 3 * 1024 * 1024;

const requestSchema = z.looseObject({
  uid: z.string().min(1),
  operation: z.enum(['CREATE', 'UPDATE', 'DELETE', 'CONNECT']),
  namespace: z.string().optional(),
  name: z.string().optional(),
  subResource: z.string().optional(),
  dryRun: z.boolean().optional(),
  object: z.looseObject({}),
});

const reviewSchema = z.looseObject({
  apiVersion: z.literal('admission.k8s.io/v1'),
  kind: z.literal('AdmissionReview'),
  request: requestSchema,
});

/** The request of an AdmissionReview v1; `object` is what the user sent, unchecked, after earlier webhooks. */
export type AdmissionRequest = z.output<typeof requestSchema>;

/**
 * What admission answers: the patch to make (empty: leave the object as it is) and what the user is shown. A refusal is
 * for the operator's own questions only.
 */
export interface AdmissionAnswer {
  patch: readonly Operation[];
  warnings: readonly string[];
  refusal?: string;
}

/** How a request ended, the `result` label of the admission metrics. */
export type AdmissionResult = 'patched' | 'unchanged' | 'failed' | 'malformed' | 'unready';

/** What admission is made of: the decision, a clock, and where to report to. */
export interface AdmissionParts {
  /** Why nothing can be decided yet, in words; undefined once it can. */
  unready: () => string | undefined;
  review: (request: AdmissionRequest) => AdmissionAnswer | Promise<AdmissionAnswer>;
  nowMs: () => number;
  observe: (result: AdmissionResult, durationMs: number) => void;
  reportFailure: (error: unknown, request: AdmissionRequest) => void;
}

const toResponse = (uid: string, { patch, warnings, refusal }: AdmissionAnswer) => ({
  apiVersion: 'admission.k8s.io/v1',
  kind: 'AdmissionReview',
  response: {
    uid,
    allowed: refusal === undefined,
    ...(refusal !== undefined && { status: { message: refusal } }),
    ...(warnings.length > 0 && { warnings }),
    ...(patch.length > 0 && {
      patchType: 'JSONPatch',
      patch: Buffer.from(JSON.stringify(patch)).toString('base64'),
    }),
  },
});

const describeProblem = (error: z.ZodError): string =>
  error.issues.map((issue) => `${issue.path.join('.') || 'the body'}: ${issue.message}`).join('; ');

/**
 * The webhook as a value: no socket, no certificate, no clock of its own.
 *
 * `POST /mutate` answers every AdmissionReview v1 about a pod with `allowed: true`, also when `review` throws: a user's pod is never
 * refused for a fault of ours. What is no AdmissionReview gets 400, what exceeds 3 MiB or could never be stored 413, and
 * everything 503 while `unready`, each with the reason in words: the API server then does as the namespace's failure policy says.
 */
export const admission = ({ unready, review, nowMs, observe, reportFailure }: AdmissionParts): Hono => {
  const decide = async (request: AdmissionRequest): Promise<[AdmissionResult, AdmissionAnswer]> => {
    try {
      const answer = await review(request);
      return [answer.patch.length > 0 ? 'patched' : 'unchanged', answer];
    } catch (error) {
      reportFailure(error, request);
      const warning =
        'spotpolicy could not decide on this object and left it unchanged; its log has the reason';
      return ['failed', { patch: [], warnings: [warning] }];
    }
  };

  const refuseSize = (context: Context) => {
    observe('malformed', 0);
    return context.text(`the body exceeds ${bodyLimitBytes} bytes`, 413);
  };
  const counted = bodyLimit({ maxSize: bodyLimitBytes, onError: refuseSize });
  // An announced length is kept by Node's parser. Whoever counts reads the body as a web stream, which costs more than
  // the decision itself; the API server always announces.
  const limited: MiddlewareHandler = async (context, next) => {
    const announced = context.req.header('content-length');
    if (announced === undefined || context.req.header('transfer-encoding')) return counted(context, next);
    return Number(announced) > bodyLimitBytes ? refuseSize(context) : next();
  };

  return new Hono().post('/mutate', limited, async (context) => {
    const startMs = nowMs();
    const waiting = unready();
    if (waiting !== undefined) {
      observe('unready', 0);
      return context.text(waiting, 503);
    }
    const body: unknown = await context.req.json().catch(() => undefined);
    const parsed = reviewSchema.safeParse(body);
    if (!parsed.success) {
      observe('malformed', nowMs() - startMs);
      const problem = body === undefined ? 'it is not JSON' : describeProblem(parsed.error);
      return context.text(`the body is no AdmissionReview of admission.k8s.io/v1: ${problem}`, 400);
    }
    const { request } = parsed.data;
    const excess = excessOf(request.object);
    if (excess !== undefined) {
      observe('malformed', nowMs() - startMs);
      return context.text(`request.object.${excess}`, 413);
    }
    const [result, answer] = await decide(request);
    observe(result, nowMs() - startMs);
    return context.json(toResponse(request.uid, answer));
  });
};
