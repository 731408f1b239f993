import { graphql } from 'react-relay';

export const fragment = graphql`
  fragment Ledger_member on Member
  @argumentDefinitions(count: { type: "Int", defaultValue: 10 }, cursor: { type: "String" })
  @refetchable(queryName: "LedgerPaginationQuery") {
    ledger(first: $count, after: $cursor) @connection(key: "Ledger_ledger") {
      edges {
        node {
          ...Ledger_entry
        }
      }
    }
  }
`;

export const entry = graphql`
  fragment Ledger_entry on LedgerEntry {
    transactionDate
    narration
    points
    explanation {
      group
      exact
    }
  }
`;
