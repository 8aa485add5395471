"""Reading an account's open cases with support:DescribeCases."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from botocore.credentials import Credentials

from exporter.aws.api import Api, Parser
from exporter.aws.credentials import CredentialSource
from exporter.aws.endpoints import Endpoint
from exporter.aws.failures import is_expired
from exporter.aws.first_response import FirstResponses
from exporter.aws.health import ENDPOINT_FAULTS
from exporter.aws.parse import CasesPage, CasesParser, CommunicationsPage, communications_page
from exporter.aws.quota import SupportQuota
from exporter.aws.retry import RetryPolicy, first_answer, with_retries
from exporter.aws.timing import Timing
from exporter.cases.aggregate import open_cases
from exporter.cases.model import Communication, Reading, Reason
from exporter.errors import ReadFailure

T = TypeVar("T")
P = TypeVar("P", CasesPage, CommunicationsPage)

PAGE_SIZE = 100
MOST_PAGES = 100
"""Pages that are read of one account: 10,000 open cases. What goes on beyond that is not an answer but a loop."""

# Of single requests. A loop of pages is malformed too, but must not be walked again: that takes a hundred requests each time.
_WHEN_REFUSED = RetryPolicy(frozenset({Reason.THROTTLED, Reason.MALFORMED}))
_WHEN_BROKEN = RetryPolicy(ENDPOINT_FAULTS, attempts=3)


class Memory:
    """What has to outlive a reader when an account comes to be read in another way."""

    def __init__(self, timing: Timing) -> None:
        self.quota = SupportQuota(timing)
        self.first_responses = FirstResponses()


class SupportReader:
    """Reads the open cases of one account, through the first of its endpoints that answers.

    Args:
        account_id: Whose cases.
        api: Makes the requests.
        endpoints: Doors to the account's Support service, in the order of preference.
        credentials: The account's own.
        timing: The clock that deadlines and timestamps are on.
        random: Returns a number from 0 to 1, for pauses.
        memory: What an earlier reader of the account knew.
        keep_subject: Whether subject lines are wanted.
    """

    def __init__(
        self,
        account_id: str,
        api: Api,
        endpoints: Sequence[Endpoint],
        credentials: CredentialSource,
        timing: Timing,
        random: Callable[[], float],
        *,
        memory: Memory,
        keep_subject: bool = False,
    ) -> None:
        self._account_id = account_id
        self._api = api
        self._endpoints = tuple(endpoints)
        self._credentials = credentials
        self._timing = timing
        self._random = random
        self._memory = memory
        self._parser = CasesParser(keep_subject=keep_subject)

    def read(self, deadline: float) -> Reading:
        """Read all open cases of the account.

        Args:
            deadline: When to give up, on the monotonic clock; retries included.

        Returns:
            A complete reading.

        Raises:
            ReadFailure: The account could not be read completely.
        """
        return self._retry(_WHEN_BROKEN, deadline, partial(self._read_with_fresh_credentials, deadline))

    def _read_with_fresh_credentials(self, deadline: float) -> Reading:
        try:
            return self._read_from_any_endpoint(deadline)
        except ReadFailure as failure:
            if not is_expired(failure.__cause__):
                raise
        # Expired before their time: the clock was set, or the role's session was revoked.
        self._credentials.forget()
        return self._read_from_any_endpoint(deadline)

    def _read_from_any_endpoint(self, deadline: float) -> Reading:
        ask = partial(self._credentials.credentials, deadline, self._account_id)
        credentials = self._retry(_WHEN_REFUSED, deadline, ask)
        return first_answer(partial(self._read_from, credentials, deadline), self._endpoints)

    def _read_from(self, credentials: Credentials, deadline: float, endpoint: Endpoint) -> Reading:
        """Read every page from one endpoint: a token means nothing to another."""
        taken_at = self._timing.time()
        ask = partial(self._page, endpoint, credentials, deadline)
        pages = _pages("DescribeCases", lambda token: self._retry(_WHEN_REFUSED, deadline, partial(ask, token)))
        cases = [case for page in pages for case in page.cases]
        lookup = partial(self._communications, endpoint, credentials, deadline)
        return Reading(taken_at, self._memory.first_responses.complete(open_cases(cases), lookup))

    def _page(self, endpoint: Endpoint, credentials: Credentials, deadline: float, token: str | None) -> CasesPage:
        parameters = _parameters({"includeCommunications": True}, token)
        page: CasesPage = self._request(endpoint, "DescribeCases", parameters, credentials, deadline, self._parser.parse)
        return page

    def _communications(
        self, endpoint: Endpoint, credentials: Credentials, deadline: float, case_id: str
    ) -> Iterator[Communication]:
        def ask(token: str | None) -> CommunicationsPage:
            parameters = _parameters({"caseId": case_id}, token)
            page: CommunicationsPage = self._request(
                endpoint, "DescribeCommunications", parameters, credentials, deadline, communications_page
            )
            return page

        for page in _pages("DescribeCommunications", ask):
            yield from page.communications

    def _request(
        self,
        endpoint: Endpoint,
        operation: str,
        parameters: Mapping[str, object],
        credentials: Credentials,
        deadline: float,
        parser: Parser,
    ) -> Any:  # noqa: ANN401 - what the parser returns
        self._memory.quota.wait()
        return self._api.request(
            self._api.support(endpoint),
            operation,
            parameters,
            credentials=credentials,
            subject=self._account_id,
            deadline=deadline,
            parser=parser,
        )

    def _retry(self, policy: RetryPolicy, deadline: float, action: Callable[[], T]) -> T:
        return with_retries(action, policy, self._timing, self._random, deadline)


def _pages(operation: str, ask: Callable[[str | None], P]) -> Iterator[P]:
    """Yield page after page.

    Args:
        operation: AWS's name of the operation.
        ask: Returns the page with a token, or the first.

    Raises:
        ReadFailure: `malformed`: the pages do not end.
    """
    token: str | None = None
    seen: set[str] = set()
    for _ in range(MOST_PAGES):
        page = ask(token)
        yield page
        token = page.next_token
        if token is None:
            return
        if token in seen:
            raise ReadFailure(Reason.MALFORMED, f"{operation}: a page's token leads back to a page before it")
        seen.add(token)
    raise ReadFailure(Reason.MALFORMED, f"{operation}: more than {MOST_PAGES} pages")


def _parameters(parameters: dict[str, object], token: str | None) -> dict[str, object]:
    paged = {**parameters, "maxResults": PAGE_SIZE}
    return paged if token is None else {**paged, "nextToken": token}
