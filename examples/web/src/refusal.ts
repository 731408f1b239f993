import type { CombinedError } from '@urql/core';

/** Why a call did not do what it was sent for. */
export interface Refusal {
  /** `extensions.reason` of the API, or `OFFLINE` where there was no answer. */
  reason: string;
  /** `extensions.code`: the family of the error. */
  code: string;
  message: string;
  requestId: string | null;
  /** In how many seconds the same may succeed, where that is known. */
  retryAfter: number | null;
}

export const NO_ANSWER = 'NO_ANSWER';

/** The refusal that an answer, or the lack of one, stands for. */
export function refusalOf(error: CombinedError): Refusal {
  const told = error.graphQLErrors[0];
  if (!told) return { reason: NO_ANSWER, code: NO_ANSWER, message: error.message, requestId: null, retryAfter: null };
  const { reason, code, requestId, retryAfter } = told.extensions as Record<string, unknown>;
  return {
    reason: typeof reason === 'string' ? reason : 'UNKNOWN',
    code: typeof code === 'string' ? code : 'UNKNOWN',
    message: told.message,
    requestId: typeof requestId === 'string' ? requestId : null,
    retryAfter: typeof retryAfter === 'number' ? retryAfter : null,
  };
}

const UNSETTLED = new Set([
  NO_ANSWER,
  'SERVICE_UNAVAILABLE',
  'INTERNAL_SERVER_ERROR',
  'UNAUTHENTICATED',
  'RATE_LIMITED',
]);

/** Whether it is still open what became of the call: then it is sent again with the same key, never with another. */
export function isUnsettled(refusal: Refusal): boolean {
  return UNSETTLED.has(refusal.code);
}

const WORDS: Record<string, string> = {
  [NO_ANSWER]: 'There was no answer. Check your connection.',
  SERVICE_UNAVAILABLE: 'The service is away for a moment. Please try again.',
  UNEXPECTED_FAILURE: 'Something went wrong on our side. Please try again.',
  TOO_MANY_REQUESTS: 'That was a lot at once. Please wait and try again.',
  UNAUTHORIZED: 'You are not signed in any more.',
  FORBIDDEN: 'This is not allowed from here.',
  OTP_INVALID: 'This code is wrong or has run out. Check it, or ask for a new one.',
  OTP_ATTEMPTS_EXCEEDED: 'Too many wrong codes. Ask for a new one later.',
  PROOF_NEEDED: 'To change where we reach you, sign in again, or enter the code that we send you.',
  OTP_TOO_OFTEN: 'You asked for many codes. Please wait before you ask for the next.',
  INSUFFICIENT_POINTS: 'You do not have that many points to spend.',
  BELOW_MINIMUM: 'That is fewer points than can be redeemed at once.',
  POINTS_NOT_POSITIVE: 'Enter more than zero points.',
  HELD_FOR_REVIEW: 'That is over a limit of the program, so it was not redeemed. Try fewer points, or contact us.',
  MEMBER_NOT_ACTIVE: 'Your membership is not active yet, so points cannot be spent.',
  MEMBER_SUSPENDED: 'Your membership is suspended, so points cannot be spent. Please contact us.',
  MEMBERSHIP_BLOCKED: 'Your membership is blocked, so points cannot be spent. Please contact us.',
  LOGIN_BLOCKED: 'Your access is blocked. Please contact us.',
  MEMBER_CANCELLED: 'Your membership has ended.',
  DUPLICATE_EMAIL: 'Another member has this e-mail address.',
  DUPLICATE_MOBILE: 'Another member has this mobile number.',
};

/** A wait, rounded up: who comes back by it does not come too early. */
function wait(seconds: number): string {
  const [count, unit] = seconds < 60 ? [seconds, 'second'] : [Math.ceil(seconds / 60), 'minute'];
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}

/** The refusal in the words of a member. */
export function inWords(refusal: Refusal): string {
  const words = WORDS[refusal.reason];
  if (words) return refusal.retryAfter === null ? words : `${words} It is possible again in ${wait(refusal.retryAfter)}.`;
  return refusal.requestId ? `${refusal.message} (reference ${refusal.requestId.slice(0, 8)})` : refusal.message;
}
