/**
 * Redeeming, so that a retry never debits twice: what is asked is stored together with its key before it is sent, and forgotten
 * only when there is an answer. It outlives the tab and the session, because the answer may be lost with either.
 */
import type { Client } from '@urql/core';

import { RedeemDocument, RedemptionByKeyDocument, type RedeemMutation } from './gql/graphql';
import { isUnsettled, refusalOf, type Refusal } from './refusal';

export interface Order {
  idempotencyKey: string;
  points: string;
  /** The type of redemption, and its name. */
  type: number | null;
  what: string;
}

export type Outcome =
  | { kind: 'redeemed'; order: Order; replayed: boolean; redemption: NonNullable<RedeemMutation['pointsRedeem']>['redemption'] }
  | { kind: 'refused'; order: Order; refusal: Refusal }
  | { kind: 'open'; order: Order; refusal: Refusal }
  | { kind: 'gone'; order: Order };

const storeOf = (memberId: string) => `tessera.redemption.${memberId}`;

/** The order that waits for its answer, if there is one. */
export function openOrder(memberId: string): Order | null {
  try {
    return JSON.parse(localStorage.getItem(storeOf(memberId)) ?? 'null') as Order | null;
  } catch {
    return null;
  }
}

export function onOpenOrder(memberId: string, listener: () => void): () => void {
  const heard = (event: StorageEvent) => {
    if (event.key === storeOf(memberId) || event.key === null) listener();
  };
  window.addEventListener('storage', heard);
  return () => window.removeEventListener('storage', heard);
}

/** Ask for points to be redeemed. An order that waits for its answer comes first: then this one is not sent. */
export function redeem(client: Client, memberId: string, wanted: Omit<Order, 'idempotencyKey'>): Promise<Outcome> {
  return oneAtATime(async () => {
    const waiting = openOrder(memberId);
    const order = waiting ?? { ...wanted, idempotencyKey: crypto.randomUUID() };
    if (!waiting) localStorage.setItem(storeOf(memberId), JSON.stringify(order));
    return send(client, memberId, order);
  });
}

/** Send the order that waits once more, with its key. */
export function retry(client: Client, memberId: string): Promise<Outcome | null> {
  return oneAtATime(async () => {
    const order = openOrder(memberId);
    return order && send(client, memberId, order);
  });
}

/** Ask what became of the order that waits, without sending it again. */
export function giveUp(client: Client, memberId: string): Promise<Outcome | null> {
  return oneAtATime(async () => {
    const order = openOrder(memberId);
    if (!order) return null;
    const { idempotencyKey } = order;
    const { data, error } = await client
      .query(RedemptionByKeyDocument, { idempotencyKey }, { requestPolicy: 'network-only' })
      .toPromise();
    if (error) return { kind: 'open', order, refusal: refusalOf(error) };
    localStorage.removeItem(storeOf(memberId));
    const redemption = data?.redemptionByReference;
    return redemption ? { kind: 'redeemed', order, replayed: true, redemption } : { kind: 'gone', order };
  });
}

async function send(client: Client, memberId: string, order: Order): Promise<Outcome> {
  const { data, error } = await client
    .mutation(RedeemDocument, { points: order.points, loyaltyTxnType: order.type, idempotencyKey: order.idempotencyKey })
    .toPromise();
  if (data?.pointsRedeem) {
    localStorage.removeItem(storeOf(memberId));
    return { kind: 'redeemed', order, replayed: data.pointsRedeem.replayed, redemption: data.pointsRedeem.redemption };
  }
  const refusal: Refusal = error
    ? refusalOf(error)
    : { reason: 'NO_ANSWER', code: 'NO_ANSWER', message: 'an empty answer', requestId: null, retryAfter: null };
  if (isUnsettled(refusal)) return { kind: 'open', order, refusal };
  localStorage.removeItem(storeOf(memberId));
  return { kind: 'refused', order, refusal };
}

function oneAtATime<Result>(task: () => Promise<Result>): Promise<Result> {
  return 'locks' in navigator ? navigator.locks.request('tessera-redeem', task) : task();
}
