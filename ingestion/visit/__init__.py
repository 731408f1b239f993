"""Visits to partners' own SFTP servers: files are fetched into the inbox, results and exports are brought."""
