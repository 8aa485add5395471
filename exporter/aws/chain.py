"""What botocore's credential chain and settings say when they fail, in words that name the variable or file at fault.

Nothing is quoted that a process printed, a service answered, or a file of credentials holds.
"""

import os
import re
import ssl
from collections.abc import Mapping, Sequence
from contextlib import suppress
from json import JSONDecodeError
from typing import Any
from urllib.parse import urlsplit

import botocore.session
from botocore import exceptions as said

from exporter.aws.errors import Remedy, RequestFailure, refused
from exporter.cases.model import Reason

_WAYS = (
    *("credential_source", "AWS_WEB_IDENTITY_TOKEN_FILE", "web_identity_token_file", "sso_session", "sso_start_url"),
    *("credential_process", "login_session", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"),
)
"""Settings that lead botocore to credentials, in its order."""
_SECRET = re.compile("secret|token$|key", re.IGNORECASE)
_TOKEN_FILE = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"  # noqa: S105 - a variable's name
_SENTENCES: tuple[tuple[type[Exception] | tuple[type[Exception], ...], str, str], ...] = (
    ((said.InvalidConfigError, said.PartialCredentialsError, said.MissingDependencyException), "(?s)(.*)", "{0}"),
    ((said.SSOError, said.TokenRetrievalError, said.LoginError), "", "not logged in: run aws sso login, or aws login"),
    (said.NoCredentialsError, "", "no credentials found: set AWS_* variables, a profile, or a role of the pod or instance"),
    (said.RefreshWithMFAUnsupportedError, "", "mfa_serial: nobody is there to type a second factor: use credentials without"),
    (said.MetadataRetrievalError, r"response (\d{3})", "HTTP {0}"),
    (said.CredentialRetrievalError, "custom-process", "it fails, or prints something else than credentials"),
    ((JSONDecodeError, UnicodeDecodeError), "", "the answer is not JSON with credentials"),
    (ValueError, "Auth token value", "{token} contains more than one line"),
    (ValueError, "Unsupported host '([^']*)'", "{0} is neither local nor https"),
    (RuntimeError, "still expired", "the credentials have expired"),
)
"""Of what botocore raises: what is in its text, and what to say; groups are of settings alone."""


def settings(session: botocore.session.Session) -> dict[str, str]:
    """Return what the user set: the keys of the profile and of those that it sources, and the AWS_* variables."""
    unused = "AWS_WEB_IDENTITY_TOKEN_FILE" if session.instance_variables().get("profile") else ""
    given = {name: value for name, value in os.environ.items() if name.startswith(("AWS_", "REQUESTS_CA_")) and name != unused}
    name, seen = session.get_config_variable("profile") or "default", set[object]()
    with suppress(said.ConfigParseError):
        while name not in seen and (profile := session.full_config["profiles"].get(name)):
            seen.add(name)
            without = "" if "role_arn" in profile else "mfa_serial"  # Without a role, it is there for other tools.
            given |= {key: value for key, value in profile.items() if isinstance(value, str) and key != without}
            name = profile.get("source_profile")
    return given


def unresolved(source: str, error: Exception, given: Mapping[str, str]) -> RequestFailure:
    """Return the failure of botocore, which followed these settings, to find credentials or to renew them.

    All of it passes but what AWS refuses: an agent that starts late, a file that is written later, a login.
    """
    causes: list[BaseException] = [error]
    while cause := causes[-1].__cause__ or causes[-1].__context__:
        causes.append(cause)
    way = next((f"{name}: " for name in _WAYS if name in given), "")
    for cause in causes:
        if isinstance(cause, said.ClientError):
            return _refused(source, cause)
        if isinstance(cause, said.HTTPClientError | said.ConnectionError):
            what = _unanswered(cause, causes)
            if not any(isinstance(each, said.MetadataRetrievalError) for each in causes):
                reason = Reason.TIMEOUT if isinstance(cause, said.ReadTimeoutError) else Reason.UNREACHABLE
                return RequestFailure(reason, f"{source}: {what}", Remedy.NEXT_ROUND, passes=True)
            what = f"{way}{what}"
            break
        if what := _sentence(cause, way, given):
            break
    else:
        what = f"{way}no credentials: {type(error).__name__}"
    return RequestFailure(Reason.CREDENTIALS, f"{source}: {what}", passes=True)


def _sentence(error: BaseException, way: str, given: Mapping[str, str]) -> str:
    if isinstance(error, said.ProfileNotFound | said.ConfigParseError):
        return misconfigured(error, given)
    if isinstance(error, OSError) and error.filename:
        what = named(str(error.filename), given)
        return f"{what} cannot be {'run' if what.startswith('credential_process ') else 'read'}: {error.strerror}"
    for kind, text, sentence in _SENTENCES:
        if isinstance(error, kind) and (found := re.search(text, str(error))):
            token = named(given[_TOKEN_FILE], given) if _TOKEN_FILE in given else _TOKEN_FILE.removesuffix("_FILE")
            return " ".join(f"{way}{sentence.format(*found.groups(), token=token)}".split())
    return ""


def misconfigured(error: BaseException, given: Mapping[str, str]) -> str:
    """Return what is wrong with a setting that botocore does not take, in one line that names it: what is quoted first."""
    match error:
        case said.ProfileNotFound(kwargs={"profile": profile}):
            variable = next((f"{name}: " for name in ("AWS_DEFAULT_PROFILE", "AWS_PROFILE") if given.get(name) == profile), "")
            return f"{variable}there is no profile {profile} in AWS's config and credentials files"
        case said.ConfigParseError(kwargs={"path": path} as values):
            line = re.search(r"line:?\s+(\d+)", str(values.get("error")))
            return f"{path}{f':{line[1]}' if line else ''}: cannot be parsed as an AWS config file"
    text = " ".join(str(error).split())
    shown = {name: value for name, value in given.items() if value and not _SECRET.search(name)}
    found = {name: re.search(rf"['\"]?(?<!\w){re.escape(value)}(?!\w)", text) for name, value in shown.items()}
    unknown = next((name for name, value in shown.items() if "@" in value), "an AWS_* variable, or AWS's config file")
    places = {name: (place[0] == given[name], place.start(), -len(place[0])) for name, place in found.items() if place}
    setting = min(places, key=lambda name: places[name], default=unknown)
    has_password = "@" in f"{text}{given.get(setting)}"
    return f"{setting}: {'its value is not valid (not shown, as it may contain a password)' if has_password else text}"


def named(value: str, given: Mapping[str, str]) -> str:
    """Return a value with the setting that has it, if one has."""
    name = next((name for name, each in given.items() if each == value or each.startswith(f"{value} ")), "")
    return f"{name} names {value}, which" if name else value


def _refused(source: str, error: said.ClientError) -> RequestFailure:
    answer: Any = error.response
    words, status = answer["Error"], answer["ResponseMetadata"]["HTTPStatusCode"]
    failure = refused(f"{source}: {error.operation_name}", status, words.get("Code"), words.get("Message"))
    if failure.reason in {Reason.THROTTLED, Reason.TIMEOUT, Reason.SERVER_ERROR}:
        remedy = failure.remedy if failure.reason is Reason.THROTTLED else Remedy.NEXT_ROUND
        return RequestFailure(failure.reason, failure.detail, remedy, passes=True)
    return RequestFailure(Reason.CREDENTIALS, failure.detail, passes=failure.reason is Reason.CREDENTIALS)


def _unanswered(error: Any, causes: Sequence[BaseException]) -> str:  # noqa: ANN401 - several types have these keywords
    """Return what does not answer, and why, as the system says."""
    proxy, is_late = error.kwargs.get("proxy_url"), isinstance(error, said.ConnectTimeoutError | said.ReadTimeoutError)
    why = "no answer in time" if is_late else f"no answer: {type(causes[-1]).__name__}"
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            why = f"certificate not trusted ({cause.verify_message}): set AWS_CA_BUNDLE"
        elif isinstance(cause, OSError) and cause.strerror:
            why = f"cannot connect: {cause.strerror}"
    url = urlsplit(proxy or error.kwargs.get("endpoint_url", ""))
    host = f"{'the proxy ' if proxy else ''}{url.hostname}:{url.port or (443 if url.scheme == 'https' else 80)}: "
    return f"{host if url.hostname else ''}{why}"
