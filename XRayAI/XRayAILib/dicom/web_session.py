"""HTTP sessions with a DICOMweb server: its TLS settings, its login, and a limit on what one answer may hold."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from typing import Any

import requests
import requests.adapters
import urllib3

from XRayAILib.dicom.archive import ANSWER_SECONDS, CONNECT_SECONDS, ServerError
from XRayAILib.dicom.credentials import Credentials
from XRayAILib.dicom.servers import Server
from XRayAILib.dicom.tls import client_context, tls_reason

TIMEOUT = (CONNECT_SECONDS, ANSWER_SECONDS)


class TooLargeError(requests.RequestException):
    """An answer with more bytes than the session allows."""


def make_session(server: Server, credentials: Credentials, max_bytes: int) -> requests.Session:
    """A session that logs in, trusts whom the server's entry says, and reads at most ``max_bytes`` of one answer."""
    session = requests.Session()
    # Neither a netrc file nor REQUESTS_CA_BUNDLE may change what the entry says; proxies of the system still count.
    session.auth = _Login(credentials)
    if not server.verify:
        # Whoever set the server up said so, and the check of the connection tells it; once per request is too often.
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    adapter = _Adapter(server, max_bytes)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


class _Login(requests.auth.AuthBase):
    """Puts the login into a request; one to another host, after a redirection, does not get it."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def __call__(self, request: Any) -> Any:
        known = self._credentials
        if known.token:
            request.headers["Authorization"] = f"Bearer {known.token}"
        elif known.user:
            requests.auth.HTTPBasicAuth(known.user.encode(), known.password.encode())(request)
        return request


class _Adapter(requests.adapters.HTTPAdapter):
    def __init__(self, server: Server, max_bytes: int) -> None:
        self._context = client_context(server)
        self._max_bytes = max_bytes
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        kwargs["ssl_context"] = self._context
        super().init_poolmanager(*args, **kwargs)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        kwargs["ssl_context"] = self._context
        return super().proxy_manager_for(proxy, **kwargs)

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """The context has all of this; what requests found elsewhere does not count."""

    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:
        host, pool = super().build_connection_pool_key_attributes(request, True, None)
        for name in ("cert_reqs", "ca_certs", "ca_cert_dir", "cert_file", "key_file"):
            pool.pop(name, None)
        pool["ssl_context"] = self._context
        return host, pool

    def send(self, request: Any, *args: Any, **kwargs: Any) -> requests.Response:
        # Wildcards may stand in a query as they are (RFC 3986 3.4), and some servers know them only so (Orthanc's
        # DICOMweb plug-in 1.7 decodes nothing).
        if request.url:
            place, mark, query = request.url.partition("?")
            request.url = place + mark + query.replace("%2A", "*").replace("%3F", "?")
        return super().send(request, *args, **kwargs)

    def build_response(self, req: Any, resp: Any) -> requests.Response:
        response = super().build_response(req, resp)
        response.raw = _Bounded(resp, self._max_bytes)
        return response


class _Bounded:
    """The body of an answer, which ends in an error beyond a size: also one that only unpacks to more."""

    def __init__(self, raw: Any, max_bytes: int) -> None:
        self._raw, self._left = raw, max_bytes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def stream(self, amount: int, decode_content: bool | None = None) -> Iterator[bytes]:
        for chunk in self._raw.stream(amount, decode_content=decode_content):
            self._left -= len(chunk)
            if self._left < 0:
                raise TooLargeError("the answer is larger than it may be")
            yield chunk


def in_words(server: Server, error: Exception) -> ServerError:
    """What a failed request means to the person at the screen."""
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return ServerError(server, _status_reason(server, error.response.status_code))
    cause = _find(error, ssl.SSLError)
    if cause is not None:
        return ServerError(server, tls_reason(cause))
    if isinstance(error, TooLargeError):
        return ServerError(server, "its answer is too large; search for less, or ask whoever runs the server")
    if isinstance(error, requests.Timeout):
        return ServerError(server, "it does not answer in time: is it the right address, and is it running?")
    if isinstance(error, requests.TooManyRedirects):
        return ServerError(server, "it sends us from one address to the next without end: check the URL")
    if _find(error, ConnectionRefusedError) is not None:
        return ServerError(server, "nothing answers there (connection refused): check host and port, and that it runs")
    if isinstance(error, requests.ConnectionError | requests.exceptions.ChunkedEncodingError):
        if "resol" in str(error).lower():
            return ServerError(server, "there is no such host: check its name, and the network connection")
        return ServerError(server, "the connection broke: check the network and that the server runs, then do it again")
    return ServerError(server, f"the request failed ({type(error).__name__})")


def _status_reason(server: Server, status: int) -> str:
    if status == 401:
        if server.login == "none":
            return "it wants a login (401): give the server a login and user name"
        return f"it refuses the login (401): check user name and {server.login} ('xrayai servers login {server.name}')"
    if status == 403:
        return "it knows the login, but forbids this (403): ask whoever runs the server for the permission"
    if status == 404:
        return "there is nothing under this address (404): check the URL's path, or the study is gone"
    if status == 407:
        return "the proxy on the way wants a login (407)"
    if status >= 500:
        return f"it has a fault of its own ({status}): try again later, or tell whoever runs it"
    return f"it refuses the request ({status}): is the URL the one of its DICOMweb service?"


def _find(error: BaseException, kind: type) -> Any:
    """The first error of a kind among the causes of ``error``, as urllib3 wraps them."""
    seen: list[BaseException] = []
    waiting: list[Any] = [error]
    while waiting and len(seen) < 50:
        one = waiting.pop(0)
        if not isinstance(one, BaseException) or one in seen:
            continue
        if isinstance(one, kind):
            return one
        seen.append(one)
        waiting += [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]
    return None
