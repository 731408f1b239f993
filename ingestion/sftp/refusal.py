"""What a client is told that may not have its way: a status of the protocol, and a sentence."""

import errno

from paramiko.sftp import SFTP_FAILURE, SFTP_NO_SUCH_FILE, SFTP_OP_UNSUPPORTED, SFTP_PERMISSION_DENIED


class Refused(Exception):
    """A request that is not carried out; the message is what the client reads."""

    def __init__(self, sentence: str, status: int = SFTP_FAILURE) -> None:
        super().__init__(sentence)
        self.status = status


def denied(sentence: str) -> Refused:
    """It is there, and not for this."""
    return Refused(sentence, SFTP_PERMISSION_DENIED)


def missing() -> Refused:
    """There is nothing of this name that the client could see."""
    return Refused("No such file", SFTP_NO_SUCH_FILE)


def unsupported(sentence: str) -> Refused:
    """This server does not do such a thing."""
    return Refused(sentence, SFTP_OP_UNSUPPORTED)


def of_system(error: OSError) -> Refused:
    """What the operating system said, without the path that it said it of."""
    if error.errno in {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}:
        # A link is nothing that a client could see.
        return missing()
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return Refused("The disk is full; what has arrived is kept")
    return Refused("The server could not do it")
