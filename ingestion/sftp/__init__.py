"""The SFTP server: what partners reach of their program's folder, and nothing else."""
