import { describe, expect, it } from 'vitest';
import {
  isConflict,
  isExpired,
  isForbidden,
  isNotFound,
  KubeError,
  lacksRight,
  refused,
  unanswered,
} from '../../../operator/kube/errors.ts';
import type { Status } from '../../../operator/kube/errors.ts';

const answer = (httpStatus: number, retryAfterSeconds?: number): KubeError =>
  refused('patching pod shop/web-1', {
    httpStatus,
    status: { kind: 'Status', code: httpStatus, reason: 'SomeReason', message: 'no' },
    retryAfterSeconds,
  });

describe('KubeError', () => {
  it('says what was being done, then what the server said', () => {
    expect(answer(422).message).toBe('patching pod shop/web-1: no');
    expect(answer(422)).toMatchObject({ name: 'KubeError', status: 422, reason: 'SomeReason', causes: [] });
  });

  it('quotes no body that is no Status', () => {
    const error = refused('listing pods', {
      httpStatus: 502,
      status: undefined,
      retryAfterSeconds: undefined,
    });
    expect(error.message).toBe('listing pods: the answer was 502 without a Status');
  });

  it.each([
    ['stalled', [400, 403, 404, 405, 413, 415]],
    ['retryable', [401, 408, 409, 410, 500, 502, 503, 504]],
    ['waiting', [429]],
  ] as const)('is %s for %s', (code, statuses) => {
    for (const status of statuses) expect(answer(status).code).toBe(code);
  });

  it('is a conflict when a patch names another UID or its test fails, and stalled when validation refuses', () => {
    const invalid = (details: NonNullable<Status['details']>): KubeError => {
      const status: Status = { kind: 'Status', code: 422, reason: 'Invalid', message: 'no', details };
      return refused('patching pod shop/web-1', { httpStatus: 422, status, retryAfterSeconds: undefined });
    };
    const cause = (field: string) => ({ reason: 'FieldValueInvalid', message: 'field is immutable', field });
    const otherUid = invalid({ name: 'web-1', kind: 'Pod', causes: [cause('metadata.uid')] });
    const failedTest = invalid({});
    const badField = invalid({ name: 'web-1', kind: 'Pod', causes: [cause('spec.priceLimit')] });
    expect([otherUid, failedTest, badField].map(isConflict)).toEqual([true, true, false]);
    expect(isConflict(answer(422))).toBe(false); // a webhook may refuse so, without details
    expect([otherUid, failedTest, badField].map(({ code }) => code)).toEqual([
      'retryable',
      'retryable',
      'stalled',
    ]);
  });

  it('is waiting when a server that is starting or ending says for how long', () => {
    expect(answer(503, 1)).toMatchObject({ code: 'waiting', retryAfterSeconds: 1 });
  });

  it('is retryable without an answer, and keeps the cause', () => {
    const cause = new Error('socket hang up');
    const error = unanswered('listing pods', 'Broken', cause);
    expect(error).toMatchObject({ code: 'retryable', status: 0, reason: 'Broken', cause });
    expect(error.message).toBe('listing pods: socket hang up');
  });

  it('tells a missing right from admission that refuses', () => {
    const of = (httpStatus: number, details?: Status['details']): KubeError => {
      const status = { kind: 'Status', message: 'no', ...(details && { details }) };
      return refused('patching pod shop/web-1', { httpStatus, status, retryAfterSeconds: undefined });
    };
    const right = { kind: 'pods', name: 'web-1' };
    expect(lacksRight(of(403, right))).toBe(true);
    expect(lacksRight(of(409, right))).toBe(false);
    expect(lacksRight(of(403))).toBe(false);
    expect(
      lacksRight(of(403, { ...right, causes: [{ reason: 'Forbidden', message: 'not on Fridays' }] })),
    ).toBe(false);
    expect(lacksRight(new Error('no'))).toBe(false);
  });

  it('is told apart by status', () => {
    const predicates = { 404: isNotFound, 409: isConflict, 410: isExpired, 403: isForbidden };
    for (const [status, predicate] of Object.entries(predicates)) {
      expect(predicate(answer(Number(status)))).toBe(true);
      expect(predicate(answer(500))).toBe(false);
      expect(predicate({ status: Number(status) })).toBe(false);
    }
  });
});
