import { countPoints, formatChange, formatDay, formatLastDay, formatPoints, isZero, sum } from '../format';
import { ExpiringDocument, OffersDocument, TierDocument } from '../gql/graphql';
import { useFresh, useKnown } from '../hooks';
import { titleOf } from '../explain';
import { Card } from '../ui';
import { OpenOrder } from './OpenOrder';

export function Home() {
  const { me } = useKnown();
  return (
    <>
      <h1>{me.fullName ? `Hello, ${me.fullName}` : 'Hello'}</h1>
      <OpenOrder />
      <div className="grid">
        <Balance />
        <Tier />
        <Expiring />
        <Latest />
        <Offers />
      </div>
    </>
  );
}

function Balance() {
  const { me, program } = useKnown();
  const { balance } = me;
  if (!balance) return null;
  return (
    <section className="card balance" aria-labelledby="balance">
      <h2 id="balance">Your balance</h2>
      <p className="figure">
        <span data-testid="balance">{formatPoints(balance.available)}</span> <small>points</small>
      </p>
      <ul className="facts">
        {!isZero(balance.pending) && <li>{countPoints(balance.pending)} more on their way</li>}
        {!isZero(balance.arrears) && (
          <li>{countPoints(balance.arrears)} are owed after a refund, and paid back by what you earn next</li>
        )}
        {balance.nextExpiryAt ? (
          <li>
            {countPoints(balance.nextExpiringPoints)} can be spent until{' '}
            {formatLastDay(balance.nextExpiryAt, program.timeZone)}
          </li>
        ) : (
          <li>No points expire</li>
        )}
      </ul>
      <a className="button light" href="#/redeem">
        Redeem points
      </a>
    </section>
  );
}

function Tier() {
  const { revision, program } = useKnown();
  const [{ data }] = useFresh(TierDocument, {}, revision);
  const me = data?.me;
  if (!me?.tier && !me?.tierProgress) return null;
  const { tier, tierProgress: way } = me;
  const counted = way && (way.points ?? way.aggregate);
  const needed = way && (way.neededPoints ?? way.neededAggregate);
  return (
    <Card title="Your tier" id="tier">
      <p className="figure small" data-testid="tier">
        {tier?.name ?? 'None yet'}
        {tier && tier.multiplier !== '1' && <span className="badge">{formatPoints(tier.multiplier)} × points</span>}
      </p>
      {way?.next ? (
        <>
          <progress value={way.fraction ?? '0'} max="1" aria-label={`The way to ${way.next}`} />
          <p className="hint spread row">
            <span>
              {way.missingPoints !== null
                ? `${countPoints(way.missingPoints)} to ${way.next}`
                : `${formatPoints(way.missingAggregate ?? '0')} to ${way.next}`}
            </span>
            {counted && needed && (
              <span>
                {formatPoints(counted)} of {formatPoints(needed)}
              </span>
            )}
          </p>
        </>
      ) : (
        way && <p className="hint">It is the highest there is.</p>
      )}
      {tier?.qualifiedUntil && <p className="hint">Yours until {formatDay(tier.qualifiedUntil, program.timeZone)} at least.</p>}
      {me.tierHistory && me.tierHistory.length > 1 && (
        <details>
          <summary>How you came here</summary>
          <ol className="plain">
            {me.tierHistory.map((change) => (
              <li key={change.since}>
                {change.tier ?? 'No tier'} since {formatDay(change.since, program.timeZone)}
              </li>
            ))}
          </ol>
        </details>
      )}
    </Card>
  );
}

const SHOWN = 6;
/** As many dates as the API gives at once. */
const MOST = 100;

function Expiring() {
  const { revision, program } = useKnown();
  const [{ data }] = useFresh(ExpiringDocument, { first: MOST }, revision);
  const periods = data?.me?.expiring ?? [];
  const later = periods.slice(SHOWN);
  return (
    <Card title="Points that expire" id="expiring" className="expires">
      {periods.length === 0 ? (
        <p className="hint">{data ? 'None of your points expire.' : 'Looking…'}</p>
      ) : (
        <ul className="lines" data-testid="expiring">
          {periods.slice(0, SHOWN).map((period) => (
            <li key={period.scheduleDate}>
              <span>{formatDay(period.scheduleDate, program.timeZone)}</span>
              <strong>{countPoints(period.available)}</strong>
            </li>
          ))}
          {later.length > 0 && (
            <li className="hint">
              <span>Later</span>
              <span>
                {periods.length === MOST && 'at least '}
                {countPoints(sum(later.map((period) => period.available)))}
              </span>
            </li>
          )}
        </ul>
      )}
    </Card>
  );
}

function Offers() {
  const { revision, program } = useKnown();
  const [{ data }] = useFresh(OffersDocument, {}, revision);
  const offers = data?.me?.campaigns ?? [];
  if (offers.length === 0) return null;
  return (
    <Card title="Offers for you" id="offers">
      <ul className="lines">
        {offers.map(({ name, message, award, endsAt }) => (
          <li key={name}>
            <span>
              <strong>{message ?? name}</strong>
              <br />
              <span className="hint">
                {award.points ? `${countPoints(award.points)} for each purchase` : `${formatPoints(award.factor ?? '1')} × points`} until{' '}
                {formatLastDay(endsAt, program.timeZone)}
              </span>
            </span>
          </li>
        ))}
      </ul>
    </Card>
  );
}

function Latest() {
  const { me, program } = useKnown();
  const entries = me.ledger?.edges ?? [];
  return (
    <Card title="Latest activity" id="latest" className="latest" aside={<a href="#/activity">See all and why</a>}>
      {entries.length === 0 ? (
        <p className="hint">Nothing yet. Your first purchase will show here.</p>
      ) : (
        <ul className="lines">
          {entries.map(({ node }) => (
            <li key={node.id}>
              <span>
                {titleOf(node)}
                <br />
                <span className="hint">{formatDay(node.transactionDate, program.timeZone)}</span>
              </span>
              <strong className={node.points.startsWith('-') ? 'less' : 'more'}>{formatChange(node.points)}</strong>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}
