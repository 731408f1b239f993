"""Changes that a second administrator approves: which there are, by what a program calls them."""

CONFIGURATION, MEMBER_STATUS, CREDENTIAL_RESET = "CONFIGURATION", "MEMBER_STATUS", "CREDENTIAL_RESET"
ADMINISTRATOR = "ADMINISTRATOR"

TOGGLES = {
    CONFIGURATION: "configuration",
    MEMBER_STATUS: "member_status",
    CREDENTIAL_RESET: "credential_reset",
    ADMINISTRATOR: "administrators",
}
"""What stands in `program.approvals` for each."""

PENDING, APPROVED, REJECTED, WITHDRAWN, DONE = "PENDING", "APPROVED", "REJECTED", "WITHDRAWN", "DONE"
STATUSES = (PENDING, APPROVED, REJECTED, WITHDRAWN, DONE)
"""An approved change is done at once, but for new credentials, which the one who asked fetches."""
