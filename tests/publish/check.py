"""Comparing, and counting what was compared."""

from ..hanok import Failure, Project

CHECKS = [0]


def equal(what: str, found: object, wanted: object) -> None:
    CHECKS[0] += 1
    if found != wanted:
        raise Failure(f"{what}:\n  found  {found!r}\n  wanted {wanted!r}")


def refused(project: Project, code: str, *args: object, secret: str = "") -> str:
    """A command that must end with this error, without the secret in what it prints."""
    CHECKS[0] += 1
    status, out, err = project.run(*args)
    if status != 1 or f"error[{code}]" not in err:
        raise Failure(f"`hanok {' '.join(map(str, args))}` should end with {code}, and ended with {status}:\n{out}{err}")
    if secret and secret in out + err:
        raise Failure(f"the secret is shown:\n{out}{err}")
    return err
