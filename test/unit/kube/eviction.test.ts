import { describe, expect, it } from 'vitest';
import { unanswered } from '../../../operator/kube/errors.ts';
import type { Refusal, Status } from '../../../operator/kube/errors.ts';
import { classifyEviction, unansweredEviction } from '../../../operator/kube/eviction.ts';

/** A refusal with a Status as the API server sends it; the header is what it adds to some of them. */
const refusal = (code: number, status: Partial<Status>, retryAfterSeconds?: number): Refusal => ({
  httpStatus: code,
  status: { kind: 'Status', status: 'Failure', code, ...status },
  retryAfterSeconds,
});
const textOnly = (httpStatus: number, retryAfterSeconds?: number): Refusal => ({
  httpStatus,
  status: undefined,
  retryAfterSeconds,
});

const blockedText = "Cannot evict pod as it would violate the pod's disruption budget.";
const blockedBy = (cause: string): Partial<Status> => ({
  reason: 'TooManyRequests',
  message: blockedText,
  details: { causes: [{ reason: 'DisruptionBudget', message: cause }] },
});
const conflictOnPod = (text: string): Partial<Status> => ({
  reason: 'Conflict',
  message: `Operation cannot be fulfilled on Pod "web-1": ${text}`,
  details: { name: 'web-1', kind: 'Pod' },
});

describe('classifyEviction', () => {
  it('429 with a budget as its cause: blocked, with the figures the server gives', () => {
    const cause = 'The disruption budget web needs 3 healthy pods and has 3 currently';
    expect(classifyEviction(refusal(429, blockedBy(cause)))).toEqual({ kind: 'blocked', message: cause });
  });

  it('429 with a budget and Retry-After, its status being out of date: blocked, with the time', () => {
    const cause = 'The disruption budget web is still being processed by the server.';
    expect(classifyEviction(refusal(429, blockedBy(cause), 10))).toEqual({
      kind: 'blocked',
      message: cause,
      retryAfterSeconds: 10,
    });
  });

  it('429 without a Status: the server holds the client back', () => {
    expect(classifyEviction(textOnly(429, 3))).toEqual({ kind: 'throttled', afterSeconds: 3 });
    expect(classifyEviction(textOnly(429))).toEqual({ kind: 'throttled', afterSeconds: 1 });
  });

  it('429 with a Status and no time: a webhook denied it, in its own words', () => {
    const message = 'admission webhook "guard.example.com" denied the request: evacuation of vm-1 has begun';
    expect(classifyEviction(refusal(429, { message }))).toEqual({ kind: 'denied', message });
    expect(classifyEviction(refusal(429, { message }, 5))).toEqual({ kind: 'throttled', afterSeconds: 5 });
  });

  it('500 with neither reason nor details: several budgets', () => {
    const message =
      'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.';
    expect(classifyEviction(refusal(500, { message }))).toEqual({ kind: 'severalBudgets', message });
  });

  it('500 with a reason, as from a webhook that is down: unavailable', () => {
    const message =
      'Internal error occurred: failed calling webhook "guard.example.com": no endpoints available';
    const status = {
      reason: 'InternalError',
      message,
      details: { causes: [{ message: 'failed calling webhook' }] },
    };
    expect(classifyEviction(refusal(500, status))).toEqual({ kind: 'unavailable', message });
    expect(classifyEviction(textOnly(500))).toMatchObject({ kind: 'unavailable' });
  });

  it('404: gone, but not where a proxy knows no such path', () => {
    const status = {
      reason: 'NotFound',
      message: 'pods "web-1" not found',
      details: { name: 'web-1', kind: 'pods' },
    };
    expect(classifyEviction(refusal(404, status))).toEqual({ kind: 'gone' });
    expect(classifyEviction(textOnly(404))).toMatchObject({ kind: 'unavailable' });
  });

  it('409 on the pod for its UID: replaced', () => {
    const text =
      'the UID in the precondition (0c0) does not match the UID in record (1d1). The object might have been deleted and then recreated';
    expect(classifyEviction(refusal(409, conflictOnPod(text)))).toEqual({ kind: 'replaced' });
  });

  it('409 for the UID in the words of the storage layer, as in a dry run: replaced', () => {
    const text = 'Precondition failed: UID in precondition: 0c0, UID in object meta: 1d1';
    expect(classifyEviction(refusal(409, conflictOnPod(text)))).toEqual({ kind: 'replaced' });
  });

  it('409 on the pod for its resourceVersion: changed', () => {
    const text =
      'the ResourceVersion in the precondition (7) does not match the ResourceVersion in record (9).';
    const status = conflictOnPod(text);
    expect(classifyEviction(refusal(409, status))).toEqual({ kind: 'changed', message: status.message });
  });

  it('409 on the budget: busy, and the pod is still there', () => {
    const message =
      'Operation cannot be fulfilled on poddisruptionbudgets.policy "web": the object has been modified; please apply your changes to the latest version and try again';
    const details = { name: 'web', group: 'policy', kind: 'poddisruptionbudgets' };
    expect(classifyEviction(refusal(409, { reason: 'Conflict', message, details }))).toEqual({
      kind: 'budgetBusy',
      message,
    });
  });

  it('403 in a namespace that is being deleted', () => {
    const status = {
      reason: 'Forbidden',
      message: 'unable to create new content in namespace shop because it is being terminated',
      details: {
        name: 'web-1',
        kind: 'pods',
        causes: [{ reason: 'NamespaceTerminating', field: 'metadata.namespace' }],
      },
    };
    expect(classifyEviction(refusal(403, status))).toEqual({ kind: 'namespaceEnding' });
  });

  it('403 on the budget, when its controller lags behind: blocked', () => {
    const message = 'poddisruptionbudgets.policy "web" is forbidden: pdb disruptions allowed is negative';
    const details = { name: 'web', group: 'policy', kind: 'poddisruptionbudget' };
    expect(classifyEviction(refusal(403, { reason: 'Forbidden', message, details }))).toEqual({
      kind: 'blocked',
      message,
    });
  });

  it('403 from authorization: a right is missing', () => {
    const message =
      'pods "web-1" is forbidden: User "u" cannot create resource "pods/eviction" in API group "" in the namespace "shop"';
    const details = { name: 'web-1', kind: 'pods' };
    expect(classifyEviction(refusal(403, { reason: 'Forbidden', message, details }))).toEqual({
      kind: 'forbidden',
      message,
    });
  });

  it('any code from a webhook or a policy that refuses: denied, with its text', () => {
    const message = 'admission webhook "guard.example.com" denied the request: not on Fridays';
    for (const code of [400, 403, 406, 418, 422]) {
      expect(classifyEviction(refusal(code, { message }))).toEqual({ kind: 'denied', message });
    }
    const byPolicy =
      "pods \"web-1\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no";
    const details = { name: 'web-1', kind: 'pods', causes: [{ message: 'no' }] };
    expect(classifyEviction(refusal(403, { reason: 'Forbidden', message: byPolicy, details }))).toEqual({
      kind: 'denied',
      message: byPolicy,
    });
  });

  it('504: the outcome is unknown', () => {
    const message = 'Timeout: request did not complete within requested timeout - context deadline exceeded';
    expect(classifyEviction(refusal(504, { reason: 'Timeout', message }))).toEqual({
      kind: 'unknown',
      message,
    });
  });

  it('401, 502 and 503: unavailable', () => {
    for (const code of [401, 502, 503]) {
      const message = `the answer was ${code} without a Status`;
      expect(classifyEviction(textOnly(code))).toEqual({ kind: 'unavailable', message });
    }
  });
});

describe('unansweredEviction', () => {
  it('knows that nothing happened only if nothing was sent', () => {
    const cause = new Error('connect ECONNREFUSED');
    const answer = (why: 'NotSent' | 'TimedOut' | 'Aborted' | 'Broken') =>
      unansweredEviction(unanswered('evicting pod shop/web-1', why, cause)).kind;
    expect(answer('NotSent')).toBe('unavailable');
    expect(answer('TimedOut')).toBe('unknown');
    expect(answer('Aborted')).toBe('unknown');
    expect(answer('Broken')).toBe('unknown');
  });
});
