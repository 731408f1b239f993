import { useState } from 'react';

import { reasonsOf, titleOf, type Entry } from '../explain';
import { formatChange, formatDay, formatMoney, formatPoints } from '../format';
import { StatementDocument } from '../gql/graphql';
import { useFresh, useKnown } from '../hooks';
import { inWords, refusalOf } from '../refusal';

const PAGE = 15;

export function Activity() {
  const [pages, setPages] = useState(1);
  return (
    <>
      <h1>Activity</h1>
      <p className="hint">Every change of your balance, newest first. Open one to see why.</p>
      <div className="card flush" data-testid="statement">
        <Page after={null} left={pages} onMore={() => setPages(pages + 1)} />
      </div>
    </>
  );
}

/** A page and those behind it: each begins where the one before it ends now, whatever came in meanwhile. */
function Page({ after, left, onMore }: { after: string | null; left: number; onMore: () => void }) {
  const { revision } = useKnown();
  const [{ data, error }] = useFresh(StatementDocument, { first: PAGE, after }, revision);
  const ledger = data?.me?.ledger;
  if (!ledger) {
    return (
      <p className="pad hint" role="status">
        {error ? inWords(refusalOf(error)) : 'Loading…'}
      </p>
    );
  }
  const { hasNextPage, endCursor } = ledger.pageInfo;
  return (
    <>
      {ledger.edges.length === 0 && after === null && <p className="pad hint">Nothing yet.</p>}
      {ledger.edges.map(({ node }) => (
        <Row key={node.id} entry={node} />
      ))}
      {hasNextPage &&
        (left > 1 ? (
          <Page after={endCursor} left={left - 1} onMore={onMore} />
        ) : (
          <button type="button" className="link pad wide" onClick={onMore}>
            Show more
          </button>
        ))}
    </>
  );
}

function Row({ entry }: { entry: Entry }) {
  const { program } = useKnown();
  const less = entry.points.startsWith('-');
  return (
    <details className="entry" data-kind={entry.kind}>
      <summary>
        <span className="what">
          {titleOf(entry)}
          <span className="hint">
            {formatDay(entry.transactionDate, program.timeZone)}
            {entry.transaction && ` · ${formatMoney(entry.transaction.amount, program.currency)}`}
          </span>
        </span>
        <strong className={less ? 'less' : 'more'}>{formatChange(entry.points)}</strong>
      </summary>
      <ul className="why">
        {reasonsOf(entry, program).map((reason) => (
          <li key={reason}>{reason}</li>
        ))}
        <li className="hint">When it was posted your balance became {formatPoints(entry.balanceAfter)}.</li>
      </ul>
    </details>
  );
}
