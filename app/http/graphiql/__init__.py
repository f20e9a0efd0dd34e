"""GraphiQL at ``/graphiql``: the page, the files of others that it loads, and tokens of personas in development."""
