/**
 * Who is signed in. The access token is in this memory and nowhere else; the refresh token is in `localStorage`, so that the
 * member stays signed in, and all tabs share it. Only one tab at a time exchanges it.
 */
import { Client, CombinedError, fetchExchange } from '@urql/core';

import { API_URL, PUBLISHABLE_KEY } from './config';
import { RefreshDocument, SignOutDocument, type SignInMutation } from './gql/graphql';
import { refusalOf } from './refusal';

type Tokens = SignInMutation['sessionStartByCode'] & object;

/** What outlives the page. `refreshKey` goes with the token's one exchange, however often that has to be sent. */
interface Stored {
  sessionId: string;
  refreshToken: string;
  refreshKey: string;
}

/** `ended`: the server says that the session is over; `left`: signed out, but the server could not be told. */
export type SessionState =
  | { kind: 'in'; sessionId: string }
  | { kind: 'out'; because: 'never' | 'signed-out' | 'ended' | 'left' };

export class SessionOver extends Error {
  override name = 'SessionOver';
}

const STORE = 'tessera.session';
const EARLY_MS = 60_000;
const LONGEST_MS = 60 * 60_000;

const KEY = { 'X-Publishable-Key': PUBLISHABLE_KEY };

/** For what needs the publishable key and no token. */
export const visitor = new Client({
  url: API_URL,
  exchanges: [fetchExchange],
  preferGetMethod: false,
  fetchOptions: { headers: KEY },
});

let access: { token: string; sessionId: string; until: number } | null = null;
let exchange: Promise<string> | null = null;
let state: SessionState = stateOf(read(), 'never');
const listeners = new Set<() => void>();

export function sessionState(): SessionState {
  return state;
}

export function onSession(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The access token, if it is there and good for another minute. */
export function currentToken(): string | null {
  return access && Date.now() < access.until ? access.token : null;
}

/** Take the tokens that signing in gave. */
export function signedIn(tokens: Tokens): void {
  keep(tokens);
  settle({ kind: 'in', sessionId: tokens.sessionId });
}

/** A fresh access token. `refused` is one that the server took no longer. Throws SessionOver, and CombinedError offline. */
export async function freshToken(refused?: string): Promise<string> {
  if (refused !== undefined && access?.token === refused) access = null;
  const token = currentToken();
  if (token) return token;
  exchange ??= alone(exchangeToken).finally(() => (exchange = null));
  return exchange;
}

/** Forget the session here, whatever the server says, and tell it. */
export async function signOut(): Promise<void> {
  const stored = read();
  forget();
  settle({ kind: 'out', because: 'signed-out' });
  if (!stored) return;
  const { error } = await visitor
    // Also when the page is closed right away.
    .mutation(SignOutDocument, { refreshToken: stored.refreshToken }, { fetchOptions: { headers: KEY, keepalive: true } })
    .toPromise();
  if (error && state.kind === 'out') settle({ kind: 'out', because: 'left' });
}

/** Runs in one tab at a time, so what it reads from the store is the newest token. */
async function exchangeToken(): Promise<string> {
  const stored = read();
  if (!stored) throw over('signed-out');
  const { data, error } = await visitor
    .mutation(RefreshDocument, { refreshToken: stored.refreshToken, idempotencyKey: stored.refreshKey })
    .toPromise();
  if (error) {
    // Without an answer the same token and key are sent again, by whichever tab comes first.
    if (refusalOf(error).code !== 'UNAUTHENTICATED') throw error;
    if (read()?.refreshToken === stored.refreshToken) forget();
    throw over('ended');
  }
  const tokens = data?.sessionRefresh;
  if (!tokens) throw new CombinedError({ networkError: new Error('no tokens in the answer') });
  // Who signed out meanwhile stays signed out.
  if (read()?.sessionId !== stored.sessionId) throw over('signed-out');
  keep(tokens);
  return tokens.accessToken;
}

function alone<Result>(task: () => Promise<Result>): Promise<Result> {
  // Old browsers, and pages that are served without TLS, have no locks.
  return 'locks' in navigator ? navigator.locks.request('tessera-refresh', task) : task();
}

function keep(tokens: Tokens): void {
  const left = Date.parse(tokens.accessExpiresAt) - Date.now();
  // The clock of this device may be wrong: then the server says when the token is good no longer.
  const until = left > 0 && left < LONGEST_MS ? Date.now() + left - EARLY_MS : Number.POSITIVE_INFINITY;
  access = { token: tokens.accessToken, sessionId: tokens.sessionId, until };
  const stored: Stored = {
    sessionId: tokens.sessionId,
    refreshToken: tokens.refreshToken,
    refreshKey: crypto.randomUUID(),
  };
  localStorage.setItem(STORE, JSON.stringify(stored));
}

function forget(): void {
  access = null;
  localStorage.removeItem(STORE);
}

function over(because: 'signed-out' | 'ended'): SessionOver {
  access = null;
  if (state.kind === 'in') settle({ kind: 'out', because });
  return new SessionOver('The session is over');
}

function read(): Stored | null {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(STORE) ?? 'null');
    return isStored(found) ? found : null;
  } catch {
    return null;
  }
}

function isStored(found: unknown): found is Stored {
  const one = found as Partial<Stored> | null;
  return [one?.sessionId, one?.refreshToken, one?.refreshKey].every((value) => typeof value === 'string');
}

function stateOf(stored: Stored | null, because: 'never' | 'signed-out'): SessionState {
  return stored ? { kind: 'in', sessionId: stored.sessionId } : { kind: 'out', because };
}

function settle(next: SessionState): void {
  state = next;
  for (const listener of listeners) listener();
}

// Another tab signed in or out, or exchanged the token.
window.addEventListener('storage', (event) => {
  if (event.key !== STORE && event.key !== null) return;
  const next = stateOf(read(), 'signed-out');
  if (next.kind === 'out' || access?.sessionId !== next.sessionId) access = null;
  const same = next.kind === state.kind && (next.kind === 'out' || state.kind === 'out' || next.sessionId === state.sessionId);
  if (!same) settle(next);
});
