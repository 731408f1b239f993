"""What each operation reads: tables of fields, a module per group; read and documented from here."""
