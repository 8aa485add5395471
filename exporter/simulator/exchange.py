"""One request on its way through the simulator, and the two ways to answer it."""

from collections.abc import Callable
from http import HTTPStatus

from exporter.simulator.authentication import Authenticator
from exporter.simulator.dialects import Call, dialect_of
from exporter.simulator.errors import ApiError
from exporter.simulator.keys import AccessKey
from exporter.simulator.messages import Request, Response
from exporter.simulator.parameters import Parameters
from exporter.simulator.records import RequestRecord
from exporter.simulator.signature import parse_authorization

_UNREADABLE = Call("", "", Parameters({}))


class Exchange:
    """A request and its answer.

    Args:
        request: What arrived.
        request_id: The id to answer with.
        time: When it arrived, in Unix seconds.
        authenticator: Finds out whose request it is.
        perform: Carries out a call and returns the body of its result.

    Attributes:
        operation: AWS's name of the operation, empty when the request is not readable.
        account_id: The account of the access key that the request names; empty when the key is unknown.
        role_account_id: The account of the role that is to be assumed; empty where none is.
        region: The region that it was signed for.
        is_first_page: Whether it carries no paging token.
    """

    def __init__(
        self,
        request: Request,
        *,
        request_id: str,
        time: float,
        authenticator: Authenticator,
        perform: Callable[[Call, AccessKey], bytes],
    ) -> None:
        self._request = request
        self._request_id = request_id
        self._time = time
        self._authenticator = authenticator
        self._perform = perform
        self._dialect = dialect_of(request)
        self._authorization = parse_authorization(request.headers.get("authorization", ""))
        self._call = _UNREADABLE
        self._problem: ApiError | None = None
        self._status = 0
        try:
            self._call = self._dialect.read(request)
        except ApiError as error:
            self._problem = error
        key = authenticator.claimed_key(self._authorization)
        self.operation = self._call.operation
        self.account_id = "" if key is None else key.account_id
        self.role_account_id = _account_of(self._call.parameters.values.get("RoleArn"))
        self.region = "" if self._authorization is None else self._authorization.region
        self.is_first_page = self._call.is_first_page

    def serve(self) -> Response:
        """Answer as AWS would."""
        return self._serve(self._call)

    def serve_first_page(self) -> Response:
        """Answer as AWS would if the request carried no paging token."""
        return self._serve(self._call.without_token())

    def refuse(self, error: ApiError) -> Response:
        """Answer with an error, in the words of the service's protocol."""
        self._status = error.status
        return self._dialect.refusal(error, self._request_id)

    def record(self) -> RequestRecord:
        """Return what the log keeps; the status is 0 until there is an answer."""
        return RequestRecord(
            time=self._time,
            operation=self.operation,
            account_id=self.account_id,
            access_key_id="" if self._authorization is None else self._authorization.access_key_id,
            region=self.region,
            service=self._call.service,
            is_first_page=self.is_first_page,
            status=int(self._status),
        )

    def _serve(self, call: Call) -> Response:
        try:
            if self._problem is not None:
                raise self._problem
            key = self._authenticator.authenticate(self._request, call, self._authorization, self._dialect, self._time)
            body = self._perform(call, key)
        except ApiError as error:
            return self.refuse(error)
        self._status = HTTPStatus.OK
        return self._dialect.result(call, body, self._request_id)


def _account_of(arn: object) -> str:
    parts = arn.split(":") if isinstance(arn, str) else []
    return parts[4] if len(parts) > 4 else ""  # noqa: PLR2004 - arn:partition:service:region:account:resource
