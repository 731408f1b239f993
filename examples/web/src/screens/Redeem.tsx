import { useState, type FormEvent } from 'react';
import { useClient } from 'urql';

import { compare, countPoints, formatPoints, isZero, readPoints } from '../format';
import { useKnown, useOnline, type Program } from '../hooks';
import { redeem, type Outcome } from '../redemption';
import { Field } from '../ui';
import { OpenOrder, OutcomeNotice, useOpenOrder } from './OpenOrder';

export function Redeem() {
  const { me } = useKnown();
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  // A form of its own for each order, so that what was typed is gone after it.
  const [orders, setOrders] = useState(0);
  const [open, look] = useOpenOrder();
  const done = (came: Outcome) => {
    look();
    setOutcome(came);
    if (came.kind === 'redeemed') setOrders(orders + 1);
  };
  return (
    <>
      <h1>Redeem</h1>
      <p className="hint">
        You have <strong data-testid="available">{countPoints(me.balance?.available ?? '0')}</strong> to spend.
      </p>
      {outcome && <OutcomeNotice outcome={outcome} />}
      {open ? <OpenOrder key={open.idempotencyKey} onOutcome={done} /> : <Form key={orders} onOutcome={done} />}
    </>
  );
}

function Form({ onOutcome }: { onOutcome: (outcome: Outcome) => void }) {
  const { me, program } = useKnown();
  const client = useClient();
  const online = useOnline();
  const types = program.redemptionTypes ?? [];
  const [type, setType] = useState(types.find((one) => one.isDefault)?.type ?? types[0]?.type ?? null);
  const [typed, setTyped] = useState('');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const available = me.balance?.available ?? '0';
  const points = readPoints(typed, program.pointsDecimals ?? 0);
  const minimum = program.redemptionMinimum ?? '0';

  const order = async (event: FormEvent) => {
    event.preventDefault();
    const wrong = fault(typed, available, program);
    if (wrong || points === null) return setProblem(wrong);
    setBusy(true);
    const what = types.find((one) => one.type === type)?.name ?? 'a reward';
    const outcome = await redeem(client, me.id, { points, type, what });
    setBusy(false);
    onOutcome(outcome);
  };
  return (
    <form className="card" onSubmit={(event) => void order(event)} noValidate>
      <Field
        id="points"
        label="How many points?"
        hint={isZero(minimum) ? undefined : `At least ${formatPoints(minimum)} at once.`}
        problem={problem}
      >
        {(described) => (
          <div className="row">
            <input
              {...described}
              className="amount"
              value={typed}
              onChange={(event) => (setTyped(event.target.value), setProblem(null))}
              inputMode={program.pointsDecimals ? 'decimal' : 'numeric'}
              autoComplete="off"
              required
            />
            <button type="button" className="button quiet" onClick={() => (setTyped(available), setProblem(null))}>
              All
            </button>
          </div>
        )}
      </Field>
      {types.length > 0 && (
        <fieldset>
          <legend>What for?</legend>
          <div className="choices">
            {types.map((one) => (
              <label key={one.type} className="choice">
                <input type="radio" name="type" checked={one.type === type} onChange={() => setType(one.type)} />
                <span>{one.name}</span>
              </label>
            ))}
          </div>
        </fieldset>
      )}
      <button className="button wide" disabled={busy || !online}>
        {busy ? 'Redeeming…' : points && !isZero(points) ? `Redeem ${countPoints(points)}` : 'Redeem'}
      </button>
      {!online && <p className="hint">You can redeem when you are online again.</p>}
    </form>
  );
}

/** What is wrong with what was typed, in words; the server decides in the end. */
function fault(typed: string, available: string, program: Program): string | null {
  const decimals = program.pointsDecimals ?? 0;
  const minimum = program.redemptionMinimum ?? '0';
  const points = readPoints(typed, decimals);
  if (points === null) {
    return decimals === 0 ? 'Enter a whole number, like 25.' : `Enter a number with up to ${decimals} decimals, like 12.5.`;
  }
  if (isZero(points)) return 'Enter more than zero points.';
  if (compare(points, minimum) < 0) return `The least you can redeem at once is ${countPoints(minimum)}.`;
  if (compare(points, available) > 0) return `You have ${countPoints(available)} to spend.`;
  return null;
}
