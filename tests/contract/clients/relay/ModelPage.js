// The documents of a page about a model, as an application writes them; relay-compiler reads them.
import { graphql } from 'relay-runtime';

export const query = graphql`
  query ModelPageQuery($id: ID!) {
    node(id: $id) {
      id
      ...ModelPage_versions @alias(as: "list")
      ...ModelPage_summary @alias(as: "summary")
    }
  }
`;

export const versions = graphql`
  fragment ModelPage_versions on Model
  @refetchable(queryName: "ModelPageVersionsQuery")
  @argumentDefinitions(first: { type: "Int", defaultValue: 2 }, after: { type: "Cursor" }) {
    versions(first: $first, after: $after) @connection(key: "ModelPage_versions") {
      edges {
        node {
          id
          asOf
          version
        }
      }
    }
  }
`;

export const summary = graphql`
  fragment ModelPage_summary on Asset @refetchable(queryName: "ModelPageSummaryQuery") {
    displayName
    ownerTeam {
      id
      displayName
    }
  }
`;

export const past = graphql`
  query ModelPagePastQuery($id: ID!, $asOf: DateTime) {
    asset(id: $id, asOf: $asOf) {
      id
      asOf
      upstream(first: 20) {
        nodes {
          asset {
            id
            asOf
          }
        }
      }
    }
  }
`;
