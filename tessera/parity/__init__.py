"""The parity kit: one scenario through REST, GraphQL and SFTP, into three programs whose ledgers have to be equal."""
