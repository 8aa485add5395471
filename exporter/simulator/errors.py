"""What AWS answers when it refuses a request."""

from http import HTTPStatus


class ApiError(Exception):
    """A refusal: an HTTP status, AWS's error code and a message."""

    def __init__(self, code: str, message: str, status: int = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = int(status)
