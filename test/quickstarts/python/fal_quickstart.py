"""The quick start of fal-client with its hosts and its key changed."""

import os

host = os.environ["ONESTEP_TLS_HOST"]
os.environ["FAL_RUN_HOST"] = host + "/fal"
os.environ["FAL_QUEUE_RUN_HOST"] = host + "/fal/queue"
os.environ["FAL_KEY"] = os.environ["ONESTEP_KEY"]

import fal_client  # noqa: E402  (it reads the hosts when it is imported)

updates = []
result = fal_client.subscribe(
    "onestep/demo",
    arguments={"prompt": "a cute puppy", "image_size": "square"},
    with_logs=True,
    on_queue_update=lambda update: updates.append(type(update).__name__),
)
assert result["images"][0]["url"].startswith("https://"), result
assert updates[-1] in ("InProgress", "Completed", "Queued"), updates

direct = fal_client.run("onestep/demo", arguments={"prompt": "a cute puppy"})
assert direct["images"][0]["content_type"] == "image/png"

handle = fal_client.submit("onestep/demo", arguments={"prompt": "a cute puppy"})
assert handle.get()["seed"] >= 0

try:
    fal_client.run("onestep/demo", arguments={"prompt": "a cute puppy", "colour": "red"})
    raise AssertionError("an unknown argument was taken")
except fal_client.FalClientHTTPError as error:
    assert error.status_code == 422 and "colour" in error.message, error
