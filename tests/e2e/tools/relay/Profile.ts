import { graphql } from 'react-relay';

// Refetched by its id alone, through `node`.
export const fragment = graphql`
  fragment Profile_member on Member @refetchable(queryName: "ProfileRefetchQuery") {
    fullName
    status
    dob
    tier {
      name
      multiplier
    }
    attributes {
      key
      value
    }
  }
`;
