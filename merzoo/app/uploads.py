"""The route of uploads: what is broken off, too large or of another type leaves nothing.

It stands in the place of Gradio's own, which names uploads by their content, so that equal files of
two users are one, and keeps what is broken off.
"""

from collections.abc import Collection
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from merzoo.app.folder import Folder, plain_name
from merzoo.app.guard import UPLOAD


def upload_route(folder: Folder, suffixes: Collection[str], largest: int) -> Route:
    """Takes one file a request and answers with the list of its path, as Gradio's page expects.

    What comes in is written to a file without a name until it is whole, which the system removes
    with the connection.

    Args:
        folder: where whole uploads are kept.
        suffixes: of names that are taken, in small letters.
        largest: bytes of a file.
    """

    async def upload(request: Request) -> Response:
        try:
            async with request.form(max_files=1, max_fields=1) as form:
                file = form.get("files")
                if not isinstance(file, UploadFile):
                    return _refused(400, "Refused: no file.")
                name = plain_name(file.filename or "")
                if Path(name).suffix.lower() not in suffixes:
                    return _refused(
                        415, f"{name}: neither a video nor a picture that is taken here."
                    )
                if (file.size or 0) > largest:
                    return _refused(413, f"{name}: larger than {largest / 2**20:g} MB.")
                path = await run_in_threadpool(folder.save, name, file.file)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody is there to read it
        return JSONResponse([str(path)])

    return Route(UPLOAD, upload, methods=["POST"])


def _refused(status: int, line: str) -> Response:
    return PlainTextResponse(line, status)
