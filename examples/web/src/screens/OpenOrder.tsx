import { useCallback, useEffect, useState } from 'react';
import { useClient } from 'urql';

import { countPoints } from '../format';
import { useKnown, useOnline } from '../hooks';
import { giveUp, onOpenOrder, openOrder, retry, type Order, type Outcome } from '../redemption';
import { inWords } from '../refusal';
import { Notice } from '../ui';

/** The order of the member that waits for its answer, and how to look for another one. */
export function useOpenOrder(): [Order | null, () => void] {
  const { me } = useKnown();
  const [order, setOrder] = useState(() => openOrder(me.id));
  const look = useCallback(() => setOrder(openOrder(me.id)), [me.id]);
  useEffect(() => onOpenOrder(me.id, look), [me.id, look]);
  return [order, look];
}

/** What to do about an order without an answer. */
export function OpenOrder({ onOutcome }: { onOutcome?: (outcome: Outcome) => void }) {
  const { me } = useKnown();
  const client = useClient();
  const online = useOnline();
  const [order, look] = useOpenOrder();
  const [busy, setBusy] = useState(false);
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const act = async (what: typeof retry) => {
    setBusy(true);
    const came = await what(client, me.id);
    setBusy(false);
    look();
    setOutcome(came);
    if (came) onOutcome?.(came);
  };
  if (!order) return outcome && !onOutcome ? <OutcomeNotice outcome={outcome} /> : null;
  return (
    <Notice kind="problem">
      <p>
        <strong>
          We do not know yet whether {countPoints(order.points)} were redeemed for {order.what}.
        </strong>{' '}
        {outcome?.kind === 'open' && inWords(outcome.refusal)} Trying again is safe: they are taken once at most.
      </p>
      <div className="row">
        <button type="button" className="button" disabled={busy || !online} onClick={() => void act(retry)}>
          {busy ? 'Trying…' : 'Try again'}
        </button>
        <button type="button" className="button quiet" disabled={busy || !online} onClick={() => void act(giveUp)}>
          I changed my mind
        </button>
      </div>
    </Notice>
  );
}

export function OutcomeNotice({ outcome }: { outcome: Outcome }) {
  const { order } = outcome;
  switch (outcome.kind) {
    case 'redeemed':
      return (
        <Notice kind="done">
          <p>
            <strong>
              {countPoints(outcome.redemption.points)} redeemed for {order.what}.
            </strong>{' '}
            {outcome.replayed && 'It had gone through already, and was taken once. '}
          </p>
          <p className="reference">Reference {outcome.redemption.externalReference}</p>
        </Notice>
      );
    case 'refused':
      return (
        <Notice kind="problem">
          <p>
            <strong>Nothing was redeemed.</strong> {inWords(outcome.refusal)}
          </p>
        </Notice>
      );
    case 'gone':
      return (
        <Notice kind="info">
          <p>Nothing was redeemed: your order had not arrived, and is forgotten.</p>
        </Notice>
      );
    case 'open':
      return null;
  }
}
