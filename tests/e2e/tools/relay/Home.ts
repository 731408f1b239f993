import { graphql } from 'react-relay';

export const query = graphql`
  query HomeQuery($reference: String) {
    lastEventId
    member(reference: $reference) {
      id
      balance {
        available
        nextExpiryAt
      }
      ...Profile_member
      ...Ledger_member
    }
  }
`;

export const redeem = graphql`
  mutation HomeRedeemMutation($input: PointsRedeemInput!) {
    pointsRedeem(input: $input) {
      replayed
      redemption {
        externalReference
      }
      member {
        id
        balance {
          available
        }
      }
    }
  }
`;

export const live = graphql`
  subscription HomeSubscription($after: ID) {
    memberActivity(after: $after) {
      eventId
      entry {
        id
        ...Ledger_entry
      }
    }
  }
`;
