"""The shell: settings, app factory, command line and jobs."""
